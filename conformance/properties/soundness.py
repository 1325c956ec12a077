"""Soundness: the kernel accepts a program, and an input exists on which the interpreter traps."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.observing.observation import Observation
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.rules import RuleClass
from ebpf.signature import Signature
from oracles.interpreter import Abstained, Trapped
from oracles.reference import ReferenceVerdict
from reports.records import Refuses

KIND = "soundness"


def _over_all_inputs(observation: Observation) -> Iterator[Judgement]:
    answer = observation.reference
    if answer is None:
        return
    if answer.verdict is ReferenceVerdict.SAFE:
        yield Agreement()
    elif answer.verdict is ReferenceVerdict.UNKNOWN:
        yield Abstention(f"reference: {answer.reason}")
    elif answer.rule is not None and answer.at is not None:
        yield Disagreement(
            Signature(KIND, (str(answer.rule),), observation.form_name(answer.at)),
            f"the kernel accepts the program, which on an input that Z3 found breaks {answer.rule} at "
            f"instruction {answer.at} "
            f"({observation.text(answer.at)}): {answer.detail}",
            answer.at,
            None,
            answer.witness,
            right=Refuses(),
        )


ACCUSED = frozenset({RuleClass.SAFETY, RuleClass.CONFIDENTIALITY, RuleClass.RESOURCE})
"""Classes of rules whose breaking is a fault of the kernel; the others are its own decisions."""


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per input, and one over all inputs where the reference verifier is asked."""
    if not observation.accepted:
        yield Abstention("not accepted")
        return
    for judgement in of_runs(observation):
        yield judgement
        if isinstance(judgement, Disagreement):
            return
    yield from _over_all_inputs(observation)


def of_runs(observation: Observation) -> Iterator[Judgement]:
    """What the interpreter's runs say of an acceptance, up to the first that shows it wrong."""
    for number, (outcome, _) in enumerate(observation.runs):
        if isinstance(outcome, Abstained):
            yield Abstention(f"interpreter: {outcome.reason}")
        elif not isinstance(outcome, Trapped):
            yield Agreement()
        elif not outcome.predictable:
            yield Abstention("the trap depends on unpredictable values")
        elif outcome.rule.rule_class not in ACCUSED:
            yield Abstention(f"the trap breaks a {outcome.rule.rule_class.value} rule")
        else:
            yield Disagreement(
                Signature(KIND, (str(outcome.rule),), observation.form_name(outcome.at)),
                f"the kernel accepts the program, which on input {number} breaks {outcome.rule} at "
                f"instruction {outcome.at} "
                f"({observation.text(outcome.at)}): {outcome.detail}",
                outcome.at,
                number,
                right=Refuses(),
            )
            return
