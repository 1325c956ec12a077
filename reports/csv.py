"""CSV in veristat's columns, one file per kernel, so that ``veristat -C old.csv new.csv`` compares two of
them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from reports.records import ProgramJudged

COLUMNS = (
    "file_name",
    "prog_name",
    "verdict",
    "duration",
    "total_insns",
    "total_states",
    "peak_states",
    "max_states_per_insn",
    "mark_read_max_len",
    "size",
    "jited_size",
    "prog_type",
)
"""veristat's names (tools/testing/selftests/bpf/veristat.c); duration is in microseconds, sizes are in bytes.
"""

_VERDICTS = {"accept": "success", "reject": "failure"}
_INSTRUCTION = 8  # bytes


def by_kernel(programs: Iterable[ProgramJudged]) -> dict[str, list[ProgramJudged]]:
    """Programs apart by kernel, in the order they came."""
    groups: dict[str, list[ProgramJudged]] = {}
    for program in programs:
        groups.setdefault(program.kernel, []).append(program)
    return groups


def render(programs: Iterable[ProgramJudged]) -> str:
    """One kernel's table.  Only verdicts are rows: veristat knows success and failure, and no third thing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for program in programs:
        if program.verdict in _VERDICTS:
            writer.writerow(_row(program))
    return out.getvalue()


def _row(program: ProgramJudged) -> list[str | int]:
    return [
        program.file or "veridiff",
        program.name,
        _VERDICTS[program.verdict],
        program.microseconds,
        program.processed or 0,
        program.total_states or 0,
        program.peak_states or 0,
        program.max_states_per_insn or 0,
        0,
        program.instructions * _INSTRUCTION,
        program.jited_length,
        program.program_type,
    ]
