"""Soundness: the kernel accepts a program, and an input exists on which the interpreter traps."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement, Kind
from conformance.properties.observation import Observation
from ebpf.rules import RuleClass
from oracles.interpreter import Abstained, Trapped

ACCUSED = frozenset({RuleClass.SAFETY, RuleClass.CONFIDENTIALITY, RuleClass.RESOURCE})
"""Classes of rules whose breaking is a fault of the kernel; the others are its own decisions."""


def judge(seen: Observation) -> Iterator[Judgement]:
    """One judgement per input."""
    if not seen.accepted:
        yield Abstention("not accepted")
        return
    for number, (outcome, _) in enumerate(seen.runs):
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
                Kind.SOUNDNESS, f"soundness:{outcome.rule}:{seen.form_name(outcome.at)}",
                f"the kernel accepts the program, which on input {number} breaks {outcome.rule} at instruction {outcome.at} "
                f"({seen.text(outcome.at)}): {outcome.detail}",
                outcome.at, number,
            )  # fmt: skip
