"""Rule: the kernel accepts a near miss, whose named rule is broken on a path that a concrete run takes, or a
program that the reference verifier shows to break one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import STEP_LIMIT, Observation
from conformance.observing.opinions import linux
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf import rules
from ebpf.releases import Since
from ebpf.rules import Phase, Rule, RuleClass
from ebpf.signature import Signature
from oracles.interpreter import Outcome, Step, Trapped, run
from reports.records import Refuses

KIND = "rule"
WANT_A_CHECK = (rules.PACKET_BOUNDS, rules.NULL_DEREFERENCE)
"""Rules of safety that ask for a comparison in the program: a run without one that happens to be safe breaks
them too."""
BY_WHAT_IS_WALKED = frozenset({rules.STACK_DEPTH})
"""Rules that are checked when the walk is over, on what it came by (update_stack_depth(),
kernel/bpf/verifier.c)."""
OF_SPECULATION = frozenset({rules.VARIABLE_STACK})
"""Rules that are there for fear of speculation only (``bypass_spec_v1``, kernel/bpf/verifier.c)."""
AS_MITIGATED = Since("6.7")
"""Kernels that enforce them only where the machine's mitigations are on (bpf_bypass_spec_v1(),
include/linux/bpf.h: cpu_mitigations_off()), which no program can tell."""

UNTOLD = "nobody can tell whether the machine's mitigations are on"


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per near miss, and one per rule that the reference verifier finds broken or for none.

    The kernel may decide a branch and never look at what lies behind it: a rule that it checks while walking
    counts as broken only when the interpreter executed the breaking instruction (or trapped there) on one of
    the inputs, and where executions keep or break it, only when the interpreter trapped.
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
    if _is_as_mitigated(observation, rule):
        yield Abstention(UNTOLD)
        return
    input_that_breaks = _first(observation, partial(_breaks, rule, at))
    walked = rule.phase_in(observation.release) is Phase.WALK or rule in BY_WHAT_IS_WALKED
    if walked and input_that_breaks is None:
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
        if _is_as_mitigated(observation, broken.rule):
            yield Abstention(UNTOLD)
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


def _is_as_mitigated(observation: Observation, rule: Rule) -> bool:
    return rule in OF_SPECULATION and observation.release in AS_MITIGATED


def _first(observation: Observation, holds: Callable[[Outcome, tuple[Step, ...]], bool]) -> int | None:
    """The number of the first input whose run is such."""
    return next((n for n, each in enumerate(observation.runs) if holds(*each)), None)


def _breaks(rule: Rule, at: int, outcome: Outcome, trace: tuple[Step, ...]) -> bool:
    if rule.rule_class in (RuleClass.SAFETY, RuleClass.RESOURCE) and rule not in WANT_A_CHECK:
        return isinstance(outcome, Trapped) and outcome.at == at
    return _reaches(at, outcome, trace)


def _reaches(at: int, outcome: Outcome, trace: tuple[Step, ...]) -> bool:
    return getattr(outcome, "at", None) == at or any(step.at == at for step in trace)
