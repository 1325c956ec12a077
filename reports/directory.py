"""A run's directory, read back: the one input of every report on a finished run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from ebpf.errors import InputError
from reports import jsonl
from reports.records import Cell, Finding, RunSummary, Severity, Status

_T = TypeVar("_T")
_SEVERITIES = list(Severity)


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """What a run left: its summary and its findings, new before known, worst first."""

    directory: Path
    summary: RunSummary
    findings: tuple[Finding, ...]

    @property
    def new(self) -> tuple[Finding, ...]:
        """Findings nobody knew of before."""
        return tuple(finding for finding in self.findings if finding.status is Status.NEW)

    @property
    def known(self) -> tuple[Finding, ...]:
        """Findings the known-issues file explains."""
        return tuple(finding for finding in self.findings if finding.status is Status.KNOWN)

    def new_in(self, cell: Cell) -> list[Finding]:
        """The new findings of one kernel and property."""
        return [
            finding for finding in self.new if finding.kernel == cell.kernel and finding.kind == cell.kind
        ]


def load(directory: Path) -> RunDirectory:
    """Reads a run.  Raises :class:`InputError` naming the file, the line in it and the reason."""
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory")
    try:
        summary = msgspec.json.decode((directory / "run.json").read_bytes(), type=RunSummary)
    except OSError as error:
        raise InputError(f"{directory}: not a run's directory: {error.filename}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise InputError(f"{directory / 'run.json'}: {error}") from error
    findings = {finding.id: finding for finding in _lines(directory / "findings.jsonl", Finding)}
    ordered = sorted((finding for finding in findings.values() if not finding.same_as), key=order)
    return RunDirectory(directory, summary, tuple(ordered))


def order(finding: Finding) -> tuple[bool, int, str, str]:
    """New ones first, then the worst, then by kind and signature, so that two reports of one run are the
    same."""
    return (
        finding.status is not Status.NEW,
        _SEVERITIES.index(finding.severity),
        finding.kind,
        finding.signature,
    )


def _lines(path: Path, kind: type[_T]) -> list[_T]:
    """The records of a JSONL file, [] when there is none.  A last line without its newline is one a kill cut
    short: left out."""
    if not path.exists():
        return []
    *lines, _ = path.read_bytes().split(b"\n")
    return jsonl.decode(path, lines, kind)
