"""What the page of several runs shows: how counts and findings went from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.directory import RunDirectory
from reports.records import Status
from reports.text import percent


@dataclass(frozen=True, slots=True)
class Trend:
    """One signature: in which runs it was found, as marks in their order."""

    signature: str
    status: str
    marks: tuple[str, ...]

    @property
    def last(self) -> int:
        """The number of the last run that found it."""
        return max(number for number, mark in enumerate(self.marks) if mark)


def context(runs: Sequence[RunDirectory]) -> dict[str, Any]:
    """The template's variables; the runs are shown in the order of their starts."""
    ordered = sorted(runs, key=lambda run: run.summary.started)
    return {"runs": [_row(run) for run in ordered], "trends": trends(ordered)}


def _row(run: RunDirectory) -> dict[str, Any]:
    summary = run.summary
    return {
        "name": run.directory.resolve().name,
        "summary": summary,
        "accepted": percent(summary.programs.accepted, summary.programs.judged),
        "kernels": list(dict.fromkeys(cell.kernel for cell in summary.cells)),
        "new": len(run.new),
        "known": len(run.known),
    }


def trends(runs: Sequence[RunDirectory]) -> list[Trend]:
    """A row per signature, what was found last first."""
    signatures = dict.fromkeys(finding.signature for run in runs for finding in run.findings)
    rows = []
    for signature in signatures:
        found = [[each for each in run.findings if each.signature == signature] for run in runs]
        new = any(each.status is Status.NEW for each in next(each for each in reversed(found) if each))
        marks = tuple("✗" if each else "" for each in found)
        rows.append(Trend(signature, Status.NEW.value if new else Status.KNOWN.value, marks))
    return sorted(rows, key=lambda row: (-row.last, row.status != Status.NEW.value, row.signature))
