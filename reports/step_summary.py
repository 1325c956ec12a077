"""A run on one screen of Markdown, as CI systems show it beside a job."""

from __future__ import annotations

from reports.directory import RunDirectory
from reports.html.index import headline
from reports.records import Cell, CellState, Finding
from reports.text import number, one_line

_MARKS = {CellState.AGREES: "✓", CellState.DISAGREES: "✗", CellState.BELOW_FLOOR: "–"}


def render(run: RunDirectory) -> str:
    """The headline, what was judged by kernel and property, and the findings, new ones first."""
    summary = run.summary
    kinds = list(dict.fromkeys(cell.kind for cell in summary.cells))
    lines = [f"### {headline(run)}", ""]
    if not summary.complete:
        lines += [f"**This run is incomplete:** {_cell(summary.incomplete_because)}", ""]
    if kinds:
        lines += [f"| kernel | {' | '.join(kinds)} |", "|---" * (len(kinds) + 1) + "|"]
        cells = {(cell.kernel, cell.kind): cell for cell in summary.cells}
        for kernel in dict.fromkeys(cell.kernel for cell in summary.cells):
            judged = " | ".join(_judged(cells.get((kernel, kind))) for kind in kinds)
            lines.append(f"| {_cell(kernel)} | {judged} |")
        lines += ["", "✓ judged, nothing found · ✗ disagreements · – less than its floor was judged", ""]
    if run.findings:
        lines += ["| | kind | kernel | signature | |", "|---|---|---|---|---|"]
        lines += [_finding(finding) for finding in run.findings]
    return "\n".join(lines).rstrip() + "\n"


def _judged(cell: Cell | None) -> str:
    if cell is None:
        return ""
    found = f" {number(cell.disagreements)} of" if cell.disagreements else ""
    return f"{_MARKS[cell.state]}{found} {number(cell.judged)}"


def _finding(finding: Finding) -> str:
    status = f"{finding.status.value}: {finding.known_as}" if finding.known_as else finding.status.value
    cells = (status, finding.kind, finding.kernel, finding.signature, finding.statement)
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """One line; nothing in it ends the cell or is markup."""
    escaped = "".join(f"\\{each}" if each in "\\`*_[]<>#|~" else each for each in one_line(text))
    return escaped.replace("&", "&amp;")
