"""Stock kernels tell the truth: interpreted runs of our sample programs, held against every claim on their
paths.

A parser that reads a bound too strongly, or a walk that takes the wrong branch, fails here.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ebpf import casefile
from ebpf.byte_order import ByteOrder
from ebpf.verifier_log import ScalarClaim, parse_log
from ebpf.verifier_log.claims import ClaimedState
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.paths import Ambiguous, EndOfTrace, NotExplored, PrunedAt, Split, follow
from oracles.interpreter import Step, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.ebpf.verifier_log.conftest import KERNELS, SAMPLES, rows

FILES = sorted(SAMPLES.glob("*.jsonl.xz"))


def violations(state: ClaimedState, step: Step) -> list[str]:
    """What of one printed state does not hold of the values after a step."""
    if state.frame != step.depth:
        return []
    found = []
    for number, claim in state.registers:
        value = step.registers[number]
        if isinstance(claim, ScalarClaim) and isinstance(value, int):
            found.append(
                claim.range.excluded_by(value)
                and f"R{number}={value:#x} but {claim.range.excluded_by(value)}"
            )
    for slot in state.slots:
        at = 512 + slot.offset
        if all(step.stack.written[at : at + 8]) and at not in step.stack.pointers:
            found.append(slot.excluded_by(step.stack.data[at : at + 8], ByteOrder.LITTLE))
    return [text for text in found if text]


def in_which(split: Split, trace: list[Step]) -> int | None:
    """The one state of a split that a run fits."""
    fits = [
        index
        for index, states in enumerate(split.after + split.before)
        if not any(violations(state, trace[split.step - (index >= len(split.after))]) for state in states)
    ]
    assert fits, f"the run is in none of the states that insn {split.insn} was split into"
    return fits[0] if len(fits) == 1 else None


def check(row: dict[str, Any], seen: Counter[str]) -> None:
    case = casefile.from_plain(row["case"])
    exploration = Exploration(parse_log(row["log"]), case.program.instructions, accepted=row["accepted"])
    for data in case.inputs:
        trace: list[Step] = []
        run(case, data, trace=trace, limit=STEP_LIMIT)
        if not trace:
            continue
        followed = follow(exploration, trace, lambda split: in_which(split, trace))  # noqa: B023 - called at once
        seen[type(followed.stop).__name__] += 1
        assert not isinstance(followed.stop, NotExplored), row["name"]
        for claims in followed.claims:
            if claims.step >= 0:
                seen["states"] += len(claims.fresh)
                wrong = [text for state in claims.fresh for text in violations(state, trace[claims.step])]
                assert not wrong, (row["name"], row["kernel"], trace[claims.step].at, wrong)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_run_leaves_a_claim(path: Path, kernel: str) -> None:
    seen: Counter[str] = Counter()
    for row in rows(path):
        if row["kernel"] == kernel:
            check(row, seen)
    # Following must reach far, or holding nothing against nothing would pass.
    assert seen["states"] > 2000
    assert seen[EndOfTrace.__name__] > 20
    assert seen[PrunedAt.__name__] > 20
    assert seen[Ambiguous.__name__] < sum(seen.values()) / 20


def test_the_check_sees_a_claim_that_is_too_narrow() -> None:
    """A log with one narrower bound is caught: the comparison above does compare."""
    row = next(
        row
        for row in rows(FILES[0])
        if row["kernel"] == "6.12" and row["accepted"] and "=umax32=255," in row["log"]
    )
    check(row, Counter())
    with pytest.raises(AssertionError, match="umax=1"):
        check(row | {"log": row["log"].replace("=umax32=255,", "=umax32=1,")}, Counter())
