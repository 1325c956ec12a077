"""Rule: the kernel accepts a near miss, whose named rule is broken on a path that a concrete run takes, or a
program that the reference verifier shows to break one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import STEP_LIMIT, Observation
from conformance.observing.opinions import linux
from conformance.observing.question import Attempts, Question
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, alu64, jump, leave, load, mov64
from ebpf.program import NO_FLAGS
from ebpf.rules import Phase, Rule, RuleClass
from ebpf.signature import Signature
from oracles.interpreter import Outcome, Step, Trapped, run
from reports.records import Refuses

KIND = "rule"
WANT_A_CHECK = (rules.PACKET_BOUNDS, rules.NULL_DEREFERENCE)
"""Rules of safety that ask for a comparison in the program: a run without one that happens to be safe breaks
them too."""

DECIDED = (load(o.W, R0, R1, 0), alu64(o.AND, R0, 1), jump(o.JLE, R0, 1, 1), mov64(R0, 1), leave())
"""A branch that every run takes alike; a kernel that fears speculation walks the other way too."""
OF_WALKED = (Phase.WALK, Phase.FIXUP)
"""Phases that see only what the walk came by: how deep a frame goes is what was accessed in it, and code that
no path leads to is gone by then."""
NO_MEASURES = "the kernel takes no measures against speculation, as it seems"
SPECULATED = "(speculative execution)"
"""What its log says there (do_check, kernel/bpf/verifier.c, 6.1 to 7.3; 5.10 says nothing)."""


def variants(observation: Observation) -> list[Question]:
    """Whether the kernel takes measures against speculation, where the rule that is broken is one."""
    if KIND in observation.variants or not observation.accepted:
        return []
    answer = observation.reference
    broken = {each.rule for each in answer.policy} if answer is not None else set()
    if not any(
        each is not None and each.against_speculation for each in broken | {observation.generated.rule}
    ):
        return []
    case = observation.case
    program = replace(
        case.program, instructions=DECIDED, maps=(), flags=NO_FLAGS, btf=None, func_info=None, kfuncs=()
    )
    return [observation.question.about(replace(case, program=program, inputs=())).by(Attempts.LOAD)]


def _does_not_bind(rule: Rule, observation: Observation) -> bool:
    if not rule.against_speculation:
        return False
    asked = observation.variants.get(KIND, ())
    return not any(each.main is not None and SPECULATED in each.main.log for each in asked)


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per near miss, and one per rule that the reference verifier finds broken or for none.

    The kernel may decide a branch and never look at what lies behind it: a rule that it checks while walking,
    or of what it walked, counts as broken only when the interpreter executed the breaking instruction (or
    trapped there) on one of the inputs, and where executions keep or break it, only when the interpreter
    trapped.
    """
    yield from _over_all_paths(observation)
    near_miss = observation.generated
    if near_miss.rule is None:
        return
    if observation.ruling.verdict is KernelVerdict.REJECT:
        yield Agreement()
        return
    if not observation.accepted:
        yield Abstention(f"no verdict: {observation.ruling.reason}")
        return
    rule, at = near_miss.rule, near_miss.at
    if _does_not_bind(rule, observation):
        yield Abstention(NO_MEASURES)
        return
    if rule == rules.MIXED_POINTERS and len(_ways_to(observation, at)) < 2:
        yield Abstention("no two runs come by two ways")
        return
    input_that_breaks = _first(observation, partial(_breaks, rule, at))
    if rule.phase_in(observation.release) in OF_WALKED and input_that_breaks is None:
        yield Abstention("no run breaks the rule")
        return
    yield Disagreement(
        Signature(KIND, (str(rule),), observation.form_name(at)),
        f"the kernel accepts a program that breaks {rule} at instruction {at} ({observation.text(at)}): "
        f"{rule.statement}; the rule's source is {rule.source}",
        at,
        input_that_breaks,
        right=Refuses(),
    )


def _over_all_paths(observation: Observation) -> Iterator[Judgement]:
    """What the reference verifier found broken on a path that a run takes."""
    answer = observation.reference
    if answer is None or not observation.accepted:
        return
    binding = answer.refused_by(linux(observation.release))
    if not binding:
        yield Agreement()
    for broken in binding:
        if _does_not_bind(broken.rule, observation):
            yield Abstention(NO_MEASURES)
            continue
        if broken.witness is not None:
            trace: list[Step] = []
            outcome = run(broken.witness, broken.witness.inputs[0], trace=trace, limit=STEP_LIMIT)
            if not _reaches(broken.at, outcome, tuple(trace)):
                yield Abstention("no run reaches the breaking instruction")
                continue
        yield Disagreement(
            Signature(KIND, (str(broken.rule),), observation.form_name(broken.at)),
            f"the kernel accepts a program that breaks {broken.rule} at instruction {broken.at} "
            f"({observation.text(broken.at)}): "
            f"{broken.rule.statement} ({broken.detail}); the rule's source is {broken.rule.source}",
            broken.at,
            _first(observation, partial(_reaches, broken.at)),
            broken.witness,
            right=Refuses(),
        )


def _ways_to(observation: Observation, at: int) -> set[int]:
    """The slots that runs come from: a branch that the kernel decides leaves one way only."""
    return {before.at for _, trace in observation.runs for before, step in pairwise(trace) if step.at == at}


def _first(observation: Observation, holds: Callable[[Outcome, tuple[Step, ...]], bool]) -> int | None:
    """The number of the first input whose run is such."""
    return next((n for n, each in enumerate(observation.runs) if holds(*each)), None)


def _breaks(rule: Rule, at: int, outcome: Outcome, trace: tuple[Step, ...]) -> bool:
    if rule.rule_class in (RuleClass.SAFETY, RuleClass.RESOURCE) and rule not in WANT_A_CHECK:
        return isinstance(outcome, Trapped) and outcome.at == at
    return _reaches(at, outcome, trace)


def _reaches(at: int, outcome: Outcome, trace: tuple[Step, ...]) -> bool:
    return getattr(outcome, "at", None) == at or any(step.at == at for step in trace)
