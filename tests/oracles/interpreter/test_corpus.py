"""Programs nobody here wrote: the interpreter raises for none of them, and returns what kernels were measured
to return."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from conformance.corpus import Record, read_records
from oracles.interpreter import Abstained, Outcome, Returned, Trapped, run

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "selftests-6.1.json.gz"
KERNELS = ("6.1", "6.12", "7.3")
SHARE = 0.9
"""Of the measured values, how many a run must give."""


@pytest.fixture(scope="module")
def records() -> tuple[Record, ...]:
    if not CORPUS.exists():
        pytest.skip(f"needs the development data in {CORPUS}")
    return read_records(CORPUS)


# One test of all kernels, as reading the records takes longer than running them.
@pytest.mark.shared
def test_the_corpus(records: tuple[Record, ...]) -> None:
    counted = {kernel: Counter[str]() for kernel in KERNELS}
    wrong: list[str] = []
    for record in records:
        told = {kernel: m for kernel in KERNELS if (m := record.on(kernel)) is not None and m.accepted}
        for number, data in enumerate(record.privileged.inputs if told else ()):
            outcome = run(record.privileged, data, limit=20_000)
            for kernel, measured in told.items():
                retval = measured.retvals[number] if number < len(measured.retvals) else None
                if retval is not None:
                    counted[kernel][gave(outcome, retval)] += 1
                if not agrees(outcome, retval):
                    wrong.append(f"{record.id} {record.name!r}: {outcome}, {kernel} returns {retval}")
    assert not wrong, "\n".join(wrong)
    for kernel in KERNELS:
        assert counted[kernel]["equal"] >= SHARE * counted[kernel].total() > 0, counted

    kinds = Counter(
        type(run(record.privileged, record.privileged.inputs[0], limit=2_000)).__name__
        for record in records
        if len(record.privileged.program.instructions) < 10_000
    )
    assert kinds.keys() == {"Returned", "Trapped", "Abstained"}
    assert kinds["Trapped"] > 250


def gave(outcome: Outcome, retval: int) -> str:
    """Whether the run gave the value, or what else."""
    equal = isinstance(outcome, Returned) and outcome.r0 & 0xFFFF_FFFF == retval
    return "equal" if equal else named(outcome)


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
