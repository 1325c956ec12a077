"""Every refusal that was measured on real kernels is explained, and at the kernel's own instruction."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.checking.explanation.explanation import Explanation, explain_log
from conformance.checking.explanation.form import find_instruction
from conformance.corpus.records import Record, read_records
from conformance.kernel.refusals import find_refusal

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
RECORDS = CORPUS / "selftests-6.1.json.gz"
KERNELS = ("6.1", "6.12", "7.3")

pytestmark = pytest.mark.shared

REPORT = re.compile(r"^Verification failed: (?s:.*?)(?=^verification time )", re.M)
AT = re.compile(r"^At:\n  insn (\d+)$", re.M)
"""Where 7.3 itself says that it refused."""
NAMED = re.compile(r"(?:unreachable|out of range from|back-edge from|at|of ldimm64) insn (\d+)")
"""Where a message does."""


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    if not RECORDS.exists():
        pytest.skip(f"needs the development data in {CORPUS}")
    return {record.id: record for record in read_records(RECORDS)}


def refusals(records: dict[str, Record], kernel: str) -> Iterator[tuple[Record, str]]:
    """Privileged programs that the kernel refused for what is in them, and its log."""
    with lzma.open(CORPUS / f"logs-on-{kernel}.jsonl.xz", "rt") as file:
        for line in file:
            said: dict[str, Any] = json.loads(line)
            record = records[said["id"]]
            measured = record.on(kernel)
            if said["mode"] == "priv" and measured is not None and not measured.accepted:
                yield record, said["log2"] or said["log1"]


def explained(records: dict[str, Record], kernel: str) -> list[tuple[Explanation | None, str]]:
    return [(explain_log(record.privileged.program, log), log) for record, log in refusals(records, kernel)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_refusals_are_explained(records: dict[str, Record], kernel: str) -> None:
    found = explained(records, kernel)
    good = [why for why, _ in found if why is not None and why.explained]
    unexplained = {why.message for why, _ in found if why is not None and not why.explained}
    assert len(found) > 500
    assert len(good) >= 0.99 * len(found), unexplained


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_names_a_register_tells_what_it_holds_or_where_it_came_from(
    records: dict[str, Record], kernel: str
) -> None:
    about = [why for why, _ in explained(records, kernel) if why is not None and why.register is not None]
    assert len(about) > 400
    assert sum(bool(why.known or why.origin) for why in about) >= 0.85 * len(about)


def test_the_instruction_is_the_kernels_where_it_names_one(records: dict[str, Record]) -> None:
    """7.3's own ``At`` is ground truth; without its report, the rest of the log must give the same."""
    compared = 0
    for record, log in refusals(records, "7.3"):
        said = AT.search(log)
        if said is None or not REPORT.search(log):
            continue
        with_report = explain_log(record.privileged.program, log)
        without = explain_log(record.privileged.program, REPORT.sub("", log))
        assert with_report is not None
        assert without is not None
        assert with_report.at == int(said[1])
        assert without.at in (with_report.at, None), (record.id, without.message)
        compared += without.at is not None
    assert compared > 300


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_instruction_is_named(records: dict[str, Record], kernel: str) -> None:
    """All but what is about the program: its stack, its maps."""
    found = [why for why, _ in explained(records, kernel) if why is not None]
    assert sum(why.at is not None for why in found) >= 0.96 * len(found)


def test_what_a_message_means_is_what_the_kernel_names(records: dict[str, Record]) -> None:
    """Some kernels name instructions where others do not: never another one."""
    compared = 0
    for record, log in (each for kernel in KERNELS for each in refusals(records, kernel)):
        refusal = find_refusal(log)
        code = record.privileged.program.instructions
        if refusal is not None and refusal.instruction is not None:
            meant = find_instruction(refusal.message, code)
            assert meant in (refusal.instruction, None), (record.id, refusal.message)
            compared += meant is not None
    assert compared > 5, compared


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_instruction_is_the_messages(records: dict[str, Record], kernel: str) -> None:
    named = [
        (why.at, int(said[1]))
        for why, _ in explained(records, kernel)
        if why is not None and (said := NAMED.search(why.message))
    ]
    assert len(named) > 15
    assert [at for at, _ in named] == [number for _, number in named]
