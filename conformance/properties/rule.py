"""Rule: the kernel accepts a near miss, whose named rule is broken on a path that a concrete run takes."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.kernel.jobs import KernelVerdict
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement, PropertyKind
from conformance.properties.observation import STEP_LIMIT, Observation
from conformance.second_opinion import linux
from ebpf.rules import Phase
from generators.programs import Purpose
from oracles.interpreter import Step, run


def judge(seen: Observation) -> Iterator[Judgement]:
    """One judgement per near miss.

    The kernel may decide a branch and never look at what lies behind it: a rule that it checks while walking
    counts as broken only when the interpreter executed the breaking instruction (or trapped there) on one of
    the inputs.
    """
    yield from _over_all_paths(seen)
    near_miss = seen.generated
    if near_miss.purpose is not Purpose.NEAR_MISS or near_miss.rule is None:
        return
    if seen.ruling.verdict is KernelVerdict.REJECT:
        yield Agreement()
        return
    if not seen.accepted:
        yield Abstention(f"no verdict: {seen.ruling.reason}")
        return
    rule, at = near_miss.rule, near_miss.at
    input_that_reaches = next(
        (n for n, (_, trace) in enumerate(seen.runs) if _reaches(trace, seen.runs[n][0], at)), None
    )
    if rule.phase_in(seen.release) is Phase.WALK and input_that_reaches is None:
        yield Abstention("no run reaches the breaking instruction")
        return
    yield Disagreement(
        PropertyKind.RULE,
        f"rule:{rule}:{seen.form_name(at)}",
        f"the kernel accepts a program that breaks {rule} at instruction {at} ({seen.text(at)}): "
        f"{rule.statement}; the rule's "
        f"source is {rule.source}",
        at,
        input_that_reaches,
    )


def _over_all_paths(seen: Observation) -> Iterator[Judgement]:
    """What the reference verifier found broken on a path that a run takes."""
    answer = seen.reference
    if answer is None or not seen.accepted:
        return
    binding = answer.refused_by(linux(seen.release))
    if not binding:
        yield Agreement()
    for broken in binding:
        if broken.witness is not None:
            trace: list[Step] = []
            outcome = run(broken.witness, broken.witness.inputs[0], trace=trace, limit=STEP_LIMIT)
            if not _reaches(tuple(trace), outcome, broken.at):
                yield Abstention("no run reaches the breaking instruction")
                continue
        yield Disagreement(
            PropertyKind.RULE,
            f"rule:{broken.rule}:{seen.form_name(broken.at)}",
            f"the kernel accepts a program that breaks {broken.rule} at instruction {broken.at} "
            f"({seen.text(broken.at)}): "
            f"{broken.rule.statement} ({broken.detail}); the rule's source is {broken.rule.source}",
            broken.at,
            None,
            broken.witness,
        )


def _reaches(trace: tuple[object, ...], outcome: object, at: int) -> bool:
    return getattr(outcome, "at", None) == at or any(getattr(step, "at", None) == at for step in trace)
