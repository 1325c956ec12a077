"""Generated programs: near misses are found, and what is called safe never traps."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from conformance.observing.opinions import THOROUGH, by_intervals, opinion
from ebpf import rules
from ebpf.program import Case, Input
from ebpf.program_types import ProgramType
from generators.profiles import Profile
from generators.programs import Generated, Purpose, build
from oracles.interpreter import Step, Trapped, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import Budget, ReferenceVerdict

T = ProgramType
SMALL = Budget(steps=20_000, paths=1_000, seconds=600.0, queries=1_000, effort=100_000_000)
RUNS, MANY_RUNS = 6, 300
ONE_NAME = {
    rules.SCRATCHED_REGISTER: rules.UNINITIALISED_REGISTER, rules.MISALIGNED: rules.STACK_MISALIGNED,
    rules.NULL_DEREFERENCE: rules.NULL_CHECK, rules.POINTER_LEAK: rules.SPILL_SIZE,
    rules.SCALAR_DEREFERENCE: rules.NULL_DEREFERENCE, rules.USE_AFTER_RELEASE: rules.SCALAR_DEREFERENCE,
    rules.SOCKET_ACCESS: rules.READ_ONLY, rules.WRITE_ONLY: rules.READ_ONLY,
    rules.HELPER_ARGUMENT: rules.STACK_BOUNDS,
}  # fmt: skip
"""Two names for one rule: what was scratched is not written, the stack has a rule of its own, the number may
be 0, a part of a stored pointer is no number yet, what was released is one, the reference has one name
for what a map forbids, and an argument that points behind the stack is out of its bounds."""


def _generated(seed: int, near_misses_in: int = 0, daring_in: int = 0) -> Generated:
    rng = random.Random(seed)
    profile = Profile(linux=(7, 0), near_misses_in=near_misses_in, daring_in=daring_in)
    return build(rng.getrandbits(256), [rng.getrandbits(1024) for _ in range(rng.randrange(3, 14))], profile)


def _inputs(case: Case, seed: int, runs: int = RUNS) -> list[tuple[Case, Input]]:
    """The case's own inputs, and random packets with random map contents."""
    rng = random.Random(seed)
    drawn = []
    for _ in range(runs):
        maps = tuple(
            replace(spec, contents=tuple((key, rng.randbytes(spec.value_size)) for key, _ in spec.contents))
            for spec in case.program.maps
        )
        packet = bytes(
            rng.choice((0, 1, 7, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            for _ in range(rng.choice((14, 64, 86, 128)))
        )
        drawn.append((replace(case, program=replace(case.program, maps=maps)), Input(packet)))
    return [*((case, data) for data in case.inputs[:2]), *drawn]


def _reaches(case: Case, data: Input, at: int) -> bool:
    trace: list[Step] = []
    outcome = run(case, data, trace=trace, limit=STEP_LIMIT)
    return (isinstance(outcome, Trapped) and outcome.at == at) or any(step.at == at for step in trace)


UNFOUND = (rules.INFINITE_LOOP, rules.TOO_MANY_INSNS)
"""No budget finds them."""
IN_CALLEES = (rules.CALL_DEPTH, rules.STACK_IN_CALLER, rules.TAIL_CALL_STACK, rules.UNTYPED_FUNCTION)


@pytest.mark.parametrize("seed", range(120))
def test_a_near_miss_is_found(seed: int) -> None:
    made = _generated(seed, near_misses_in=1)
    if made.purpose is not Purpose.NEAR_MISS or made.rule in (None, *UNFOUND):
        pytest.skip("no near miss, or one that no budget finds")
    if made.rule.phase is rules.Phase.WALK and not any(
        _reaches(case, data, made.at) for case, data in _inputs(made.case, seed)
    ):
        pytest.skip("no run gets there")
    answer = opinion(made.case, SMALL)
    found = {(broken.rule, broken.at) for broken in answer.policy} | {(answer.rule, answer.at)}
    wanted = {made.rule, ONE_NAME.get(made.rule, made.rule)}
    if made.rule == rules.USE_AFTER_RELEASE:
        wanted.add(rules.HELPER_ARGUMENT)  # given to a call, what was released is a number, too
    at = 0 if made.rule == rules.STACK_DEPTH else made.at  # of the whole program, not of one call
    named = any(
        (rule, at) in found or f"{rule} at instruction {made.at}:" in answer.reason for rule in wanted
    )
    if (
        not named
        and answer.verdict is ReferenceVerdict.SAFE
        and made.rule.rule_class is rules.RuleClass.SAFETY
    ):
        # An earlier comparison may have bounded what is unknown to a kernel, which keeps no relation of a slot
        # to what was shifted out of its copy: then it is refused, and no run does harm.
        harm = [run(case, data, limit=STEP_LIMIT) for case, data in _inputs(made.case, seed, MANY_RUNS)]
        assert not any(isinstance(outcome, Trapped) and outcome.predictable for outcome in harm)
        return
    # Which call of a chain is one too many, and what it is in a callee that breaks the rule, the near miss does
    # not say: it names the first call.
    deep = made.rule in IN_CALLEES and any(rule == made.rule for rule, _ in found)
    assert named or deep or "budget" in answer.reason, (made.rule, made.at, found, answer.reason)


@pytest.mark.parametrize("seed", range(100, 140))
def test_what_is_safe_does_not_trap(seed: int) -> None:
    made = _generated(seed, daring_in=1)
    answer, proof = opinion(made.case, SMALL), by_intervals(made.case, THOROUGH)
    assert not (proof.verdict is ReferenceVerdict.SAFE and answer.verdict is ReferenceVerdict.UNSAFE)
    if ReferenceVerdict.SAFE not in (answer.verdict, proof.verdict):
        return
    broken = {broken.rule for broken in answer.policy}
    for case, data in _inputs(made.case, seed):
        outcome = run(case, data, limit=STEP_LIMIT)
        assert not isinstance(outcome, Trapped) or outcome.rule in broken or not outcome.predictable, outcome


@pytest.mark.parametrize("seed", range(200, 230))
def test_what_is_valid_is_not_unsafe_and_breaks_no_rule(seed: int) -> None:
    made = _generated(seed)
    answer = opinion(made.case, SMALL)
    assert answer.verdict is not ReferenceVerdict.UNSAFE
    assert not answer.refused_by((7, 0)), answer.policy
