"""The precision map: per operation and kernel, how far claims are from the tightest ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from reports.records import VIEWS, PrecisionRow, RunSummary
from reports.text import percent

_LEVELS = (0.05, 0.5, 2.0, 8.0)
"""Bits of mean excess in the worst view at which the map's colour changes."""
_TITLE = "precision: mean bits beyond the tightest claim, in the widest view (measured; decided)"
_SHOWN = 24
"""Operations in the text table."""


@dataclass(frozen=True, slots=True)
class Row:
    """One operation: what is known of it on each kernel, None where nothing is."""

    operation: str
    cells: tuple[PrecisionRow | None, ...]

    @property
    def worst(self) -> float:
        """Of all kernels."""
        return max((cell.worst for cell in self.cells if cell), default=0.0)


def kernels(summary: RunSummary) -> list[str]:
    """The map's columns."""
    return list(dict.fromkeys(cell.kernel for cell in summary.precision))


def rows(summary: RunSummary) -> list[Row]:
    """The map, the operations with the widest claims first."""
    known = {(cell.operation, cell.kernel): cell for cell in summary.precision}
    columns = kernels(summary)
    names = dict.fromkeys(name for name, _ in known)
    made = [Row(name, tuple(known.get((name, kernel)) for kernel in columns)) for name in names]
    return sorted(made, key=lambda row: (-row.worst, row.operation))


def level(cell: PrecisionRow) -> int:
    """0 for claims that are as tight as can be, up to 4."""
    return sum(cell.worst >= bits for bits in _LEVELS)


def widest(cell: PrecisionRow) -> str:
    """ "+3.1 bits s32": the view in which claims are widest; "tight" where none is wide."""
    if not cell.measured:
        return "not measured"
    view = max(VIEWS, key=lambda name: cell.excess.get(name, 0.0))
    return f"+{cell.worst:.1f} bits {view}" if level(cell) else "tight"


def text(summary: RunSummary) -> str:
    """The operations with the widest claims, as plain text; empty when nothing was measured."""
    columns, table = (
        kernels(summary),
        [row for row in rows(summary) if any(cell and cell.measured for cell in row.cells)],
    )
    if not table:
        return ""
    names = [_short(name) for name in columns]
    lines = [["operation", *names], *([row.operation, *map(_brief, row.cells)] for row in table[:_SHOWN])]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        "  ".join(field.ljust(width) for field, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    left = [f"… and {len(table) - _SHOWN} more"] if len(table) > _SHOWN else []
    return "\n".join([_TITLE, *shown, *left]) + "\n"


def _brief(cell: PrecisionRow | None) -> str:
    if cell is None:
        return "–"
    return f"{widest(cell)} ({cell.measured}; {percent(cell.decided, cell.judged)})"


def _short(kernel: str) -> str:
    return kernel.rsplit("/", 1)[-1]


def as_csv(cells: Sequence[PrecisionRow]) -> str:
    """All of it, for machines."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            "kernel",
            "operation",
            "judged",
            "decided",
            "measured",
            "open",
            "tight",
            *(f"excess_bits_{v}" for v in VIEWS),
        ]
    )
    for cell in cells:
        known = [cell.kernel, cell.operation, cell.judged, cell.decided, cell.measured, cell.open, cell.tight]
        writer.writerow([*known, *(cell.excess.get(view, "") for view in VIEWS)])
    return out.getvalue()
