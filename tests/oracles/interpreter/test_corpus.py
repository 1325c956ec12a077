"""Programs nobody here wrote: the interpreter raises for none of them, and returns what kernels were measured
to return."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from pathlib import Path

import pytest

from conformance.corpus import read_records
from oracles.interpreter import Abstained, Outcome, Returned, Trapped, run

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "selftests-6.1.json.gz"
SHARE = 0.9
"""Of the measured values, how many a run must give."""


@pytest.mark.shared
@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.3"])
def test_the_corpus(kernel: str) -> None:
    if not CORPUS.exists():
        pytest.skip(f"needs the development data in {CORPUS}")
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    for record in read_records(CORPUS):
        measured = record.on(kernel)
        if measured is None or not measured.accepted:
            continue
        for data, retval in zip_longest(record.privileged.inputs, measured.retvals):
            outcome = run(record.privileged, data, limit=20_000)
            if retval is not None:
                counted[
                    "equal"
                    if isinstance(outcome, Returned) and outcome.r0 & 0xFFFF_FFFF == retval
                    else named(outcome)
                ] += 1
            if not agrees(outcome, retval):
                wrong.append(f"{record.id} {record.name!r}: {outcome}, kernel returns {retval}")
    assert not wrong, "\n".join(wrong)
    assert counted["equal"] >= SHARE * counted.total(), counted


def named(outcome: Outcome) -> str:
    """What the run gave instead of the value."""
    match outcome:
        case Returned():
            return "unpredictable"
        case Trapped(rule=rule):
            return f"trapped: {rule}"
        case Abstained(reason=reason):
            return reason


def agrees(outcome: Outcome, retval: int | None) -> bool:
    """What an accepted program may do: return what was measured where that can be predicted, or make the
    interpreter abstain."""
    if isinstance(outcome, Trapped):
        return not outcome.predictable or outcome.rule.rule_class.value == "policy"
    if isinstance(outcome, Abstained) or not outcome.predictable or retval is None:
        return True
    return outcome.r0 & 0xFFFF_FFFF == retval


@pytest.mark.shared
def test_what_kernels_refuse_is_run_too() -> None:
    if not CORPUS.exists():
        pytest.skip(f"needs the development data in {CORPUS}")
    kinds = Counter(
        type(run(record.privileged, record.privileged.inputs[0], limit=2_000)).__name__
        for record in read_records(CORPUS)
        if len(record.privileged.program.instructions) < 10_000
    )
    assert kinds.keys() == {"Returned", "Trapped", "Abstained"}
    assert kinds["Trapped"] > 250
