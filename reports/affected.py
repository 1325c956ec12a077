"""Which kernels a finding shows on, of those that were asked."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.releases import release_key
from reports.records import Finding, VerdictRecord

STILL, GONE = "still", "gone"
"""Of :attr:`reports.records.VerdictRecord.shows`."""


@dataclass(frozen=True, slots=True)
class Affected:
    """``first`` and ``last`` are names of kernels, empty where none was asked but the finding's own."""

    first: str
    last: str
    asked: int
    untold: int
    """Of those asked, how many could not tell."""


def affected(finding: Finding) -> Affected:
    """The oldest and the newest kernel that show it."""
    asked = [verdict for verdict in finding.verdicts if verdict.shows]
    showing = sorted((verdict for verdict in asked if verdict.shows == STILL), key=_release)
    untold = sum(verdict.shows not in (STILL, GONE) for verdict in asked)
    if not showing:
        return Affected("", "", len(asked), untold)
    return Affected(showing[0].kernel, showing[-1].kernel, len(asked), untold)


def by_release(finding: Finding) -> tuple[VerdictRecord, ...]:
    """What kernels say of it, the oldest first."""
    return tuple(sorted(finding.verdicts, key=_release))


def _release(verdict: VerdictRecord) -> tuple[int, ...]:
    return release_key(verdict.release)
