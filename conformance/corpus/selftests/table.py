"""Expectation, kernel and reference verifier side by side, in numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from conformance.corpus.judging import Judged
from conformance.corpus.selftests.build import Built
from conformance.corpus.selftests.outcomes import Outcome, SelftestAgreement
from conformance.corpus.table import as_text as judged_as_text
from conformance.corpus.table import tabulate as tabulate_judged


def tabulate(
    kernel: str, files: list[Built], outcomes: list[Outcome], judged: list[Judged]
) -> dict[str, Any]:
    """Everything counted; every program of a compiled file is in ``programs``."""
    answers = {each.subject.id: each.answer.verdict.value for each in judged}
    sides = Counter(_sides(each, answers) for each in outcomes if each.kernel)
    counts = Counter(each.agreement for each in outcomes)
    decided = counts[SelftestAgreement.AGREE] + counts[SelftestAgreement.DISAGREE]
    return {
        "kernel": kernel,
        "files": len(files),
        "compiled": sum(each.object is not None for each in files),
        "not compiled": {each.source.name: each.error for each in files if each.object is None},
        "tagged": len(outcomes),
        **{agreement.value: counts[agreement] for agreement in SelftestAgreement},
        "agreement %": round(100 * counts[SelftestAgreement.AGREE] / decided, 2) if decided else None,
        "disagreements": {
            each.trial.id: f"kernel: {each.kernel}; {each.detail}" for each in outcomes if _disagrees(each)
        },
        "reasons": {
            agreement.value: dict(
                Counter(
                    _general(each.detail) for each in outcomes if each.agreement is agreement
                ).most_common()
            )
            for agreement in (
                SelftestAgreement.UNSUPPORTED,
                SelftestAgreement.SKIPPED,
                SelftestAgreement.NONE,
            )
        },
        "not run": dict(
            Counter(
                each.trial.not_run for each in outcomes if each.trial.not_run and each.subject
            ).most_common()
        ),
        "not read": dict(
            Counter(
                name for each in outcomes if each.subject for name in each.trial.expected.unread
            ).most_common()
        ),
        "side by side": [
            {"expected": expected, "kernel": told, "reference": reference, "programs": number}
            for (expected, told, reference), number in sides.most_common()
        ],
        "oracles": tabulate_judged(judged),
        "programs": [
            {
                "id": each.trial.id,
                "expected": _expected(each),
                "kernel": each.kernel,
                "reference": answers.get(each.trial.id, ""),
                "agreement": each.agreement.value,
                "detail": each.detail,
            }
            for each in outcomes
        ],
    }


def _disagrees(outcome: Outcome) -> bool:
    return outcome.agreement is SelftestAgreement.DISAGREE


def _expected(outcome: Outcome) -> str:
    return "success" if outcome.trial.expected.success else "failure"


def _sides(outcome: Outcome, answers: dict[str, str]) -> tuple[str, str, str]:
    return _expected(outcome), outcome.kernel.split()[0], answers.get(outcome.trial.id, "not asked")


def _general(reason: str) -> str:
    """Without the place, so that equal reasons are counted together."""
    reason = re.sub(r"^(the object cannot be opened: [^:]+): .*: ", r"\1: ", reason)
    return re.sub(r"\d+", "N", reason) if reason.startswith("the object") else reason


def as_text(table: dict[str, Any]) -> Iterator[str]:
    """The same for a reader."""
    yield f"{table['kernel']}: {table['compiled']} of {table['files']} files compile"
    yield from (f"  {name}: {error}" for name, error in table["not compiled"].items())
    yield f"{table['tagged']} tagged programs (each mode counts as one)"
    for agreement in SelftestAgreement:
        yield f"  {table[agreement.value]:5}  {agreement.value}"
        for reason, count in table["reasons"].get(agreement.value, {}).items():
            yield f"         {count:5}  {reason}"
    if table["agreement %"] is not None:
        yield f"expectation and kernel agree: {table['agreement %']} % of those with a verdict"
    yield from (f"  {name}: {what}" for name, what in table["disagreements"].items())
    for title, counted in (
        ("results not compared", table["not run"]),
        ("expectations not read", table["not read"]),
    ):
        yield from [f"{title}:"] if counted else []
        yield from (f"  {count:5}  {reason}" for reason, count in counted.items())
    yield "programs  expected  kernel  reference"
    for row in table["side by side"]:
        yield f"{row['programs']:8}  {row['expected']:8}  {row['kernel']:6}  {row['reference']}"
    yield from judged_as_text(table["oracles"])
