"""Bounds: the kernel logs a claim for a register or slot on a path, and a run on that path holds a value
outside it.

A run is followed along the log up to the first prune: beyond it the kernel does not compare imprecise
scalars, and a value outside a later claim is no bug.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.observing.observation import STEP_LIMIT, Observation
from conformance.properties.claims import Holding, first_violated_claim
from conformance.properties.every_input import suspects
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.way import to_branch, to_claim
from ebpf.byte_order import ByteOrder
from ebpf.signature import Signature
from ebpf.verifier_log.claims import ScalarClaim
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.paths import Ambiguous, Followed, NotExplored, Split, Truncated, follow
from oracles.interpreter import Step, run
from reports.records import Right, Untellable

KIND = "bounds"


def unreadable(observation: Observation) -> str | None:
    """Why the log holds the kernel to nothing, if so."""
    if not observation.accepted:
        return "not accepted"
    if observation.exploration is None or observation.log is None:
        return "no log"
    if observation.log.dialect.abstains is not None:
        return observation.log.dialect.abstains
    return "a walk that is not understood" if observation.exploration.strange else None


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per input whose run the log explores at least in part."""
    reason = unreadable(observation)
    if reason is not None or observation.exploration is None:
        yield Abstention(reason or "no log")
        return
    followed: dict[tuple[tuple[int, int], ...], Followed] = {}
    for number, (_, trace) in enumerate(observation.runs):
        path = tuple((step.frame, step.at) for step in trace)
        way = followed.get(path)
        if way is None:
            way = _follow(observation.exploration, path, trace, observation.byte_order)
            if not any(claims.node.branches for claims in way.claims):
                # Where a state was split in two, the way depends on values and not on the path alone.
                followed[path] = way
        judgement = _check_against_log(observation, number, trace, way)
        yield judgement
        if isinstance(judgement, Disagreement):
            return
    if observation.question.budget is not None:
        yield from _over_all_inputs(observation)


def _over_all_inputs(observation: Observation) -> Iterator[Judgement]:
    """One judgement, of inputs that Z3 finds; a run of one must leave the claim too."""
    open_ = False
    for case in suspects(observation):
        if case is None:
            open_ = True
            continue
        trace: list[Step] = []
        run(case, case.inputs[0], trace=trace, limit=STEP_LIMIT)
        judgement = judge_run(observation, 0, tuple(trace))
        if isinstance(judgement, Disagreement):
            statement = judgement.statement.replace("on input 0", "on an input that Z3 found")
            yield replace(judgement, statement=statement, input=None, witness=case)
            return
    yield Abstention("reference: left open") if open_ else Agreement()


def judge_run(observation: Observation, number: int, trace: tuple[Step, ...]) -> Judgement:
    """One run, which the case's input ``number`` need not be the one to give, held against the log."""
    assert observation.exploration is not None
    return _check_against_log(
        observation,
        number,
        trace,
        _follow(
            observation.exploration, [(step.frame, step.at) for step in trace], trace, observation.byte_order
        ),
    )


def _follow(
    exploration: Exploration, path: Sequence[tuple[int, int]], trace: tuple[Step, ...], order: ByteOrder
) -> Followed:
    return follow(exploration, path, lambda split: _side(split, trace, order))


def _side(split: Split, trace: tuple[Step, ...], order: ByteOrder) -> int | None:
    """The one state of a split that the run fits; None when several do, or none."""
    fits = _fitting(split, trace, order)
    return fits[0] if len(fits) == 1 else None


def _fitting(split: Split, trace: tuple[Step, ...], order: ByteOrder) -> list[int]:
    return [
        index
        for index, states in enumerate(split.after + split.before)
        if not any(
            first_violated_claim(state, trace[split.step - (index >= len(split.after))], order)
            for state in states
        )
    ]


def _check_against_log(
    observation: Observation, number: int, trace: tuple[Step, ...], followed: Followed
) -> Judgement:
    for claims in followed.claims:
        if not 0 <= claims.step < len(trace):
            continue
        step = trace[claims.step]
        for state in claims.fresh:
            if state.frame != step.depth:
                continue
            violated = first_violated_claim(state, step, observation.byte_order)
            if violated is not None:
                culprit = _find_parting(trace, claims.step, violated.registers)
                return Disagreement(
                    Signature(KIND, (violated.view,), observation.form_name(culprit)),
                    f"after instruction {step.at} ({observation.text(step.at)}) {violated.sentence} "
                    f"on input {number}",
                    culprit,
                    number,
                    right=to_claim(observation, number, trace, claims.step, violated.holding),
                )
    stop = followed.stop
    if isinstance(stop, NotExplored):
        return Disagreement(
            Signature(KIND, ("branch-not-explored",), observation.form_name(stop.source)),
            f"on input {number} the run goes from instruction {stop.source} "
            f"({observation.text(stop.source)}) to "
            f"{stop.target}, a branch that the kernel never explored",
            stop.source,
            number,
            right=to_branch(observation, number, trace, stop.step),
        )
    if isinstance(stop, Split) and not _fitting(stop, trace, observation.byte_order):
        return Disagreement(
            Signature(KIND, ("split",), observation.form_name(stop.insn)),
            f"on input {number} the run is in none of the states into which the kernel split the one at "
            f"instruction {stop.insn} ({observation.text(stop.insn)})",
            stop.insn,
            number,
            right=_right_of_split(observation, number, trace, stop),
        )
    if isinstance(stop, Ambiguous | Truncated) and len(followed.claims) < 2:
        return Abstention("ambiguous log" if isinstance(stop, Ambiguous) else "truncated log")
    return Agreement()


def _right_of_split(observation: Observation, number: int, trace: tuple[Step, ...], split: Split) -> Right:
    """What no state says of the instruction's result."""
    register = observation.case.program.instructions[split.insn].dst
    value = trace[split.step].registers[register]
    claims = [state.register(register) for states in split.after for state in states]
    if not isinstance(value, int) or any(
        not isinstance(claim, ScalarClaim) or claim.range.contains(value) for claim in claims
    ):
        return Untellable("the log names two states, and the run is in neither")
    return to_claim(observation, number, trace, split.step, Holding(value, register))


def _find_parting(trace: tuple[Step, ...], last: int, registers: tuple[int, ...]) -> int:
    """The instruction that made two registers differ whose id is one, for the log need not show both together
    until later; the one at step ``last`` where no registers are named."""
    for at in range(last, 0, -1):
        here, before = trace[at], trace[at - 1]
        moved = here.depth != before.depth or any(here.registers[r] != before.registers[r] for r in registers)
        if registers and moved:
            return here.at
    return trace[last].at
