"""Findings of one signature, together: one bug, on as many kernels as it was found on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ebpf.releases import release_key
from reports.affected import STILL
from reports.records import Finding


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """``findings`` share a signature, a status and a known issue; the first stands for all."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """Whose statement is shown."""
        return self.findings[0]

    def shows_on(self, kernel: str) -> str:
        """ "still", "gone", "cannot tell", or "" where it was not asked."""
        told = [
            verdict.shows
            for finding in self.findings
            for verdict in finding.verdicts
            if verdict.kernel == kernel
        ]
        if STILL in told or any(name_of(finding) == kernel for finding in self.findings):
            return STILL
        return next((each for each in told if each), "")


def grouped(findings: Iterable[Finding]) -> list[FindingGroup]:
    """In the order of the first of each."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        key = finding.status.value, finding.known_as, finding.signature
        groups.setdefault(key, []).append(finding)
    return [FindingGroup(tuple(each)) for each in groups.values()]


def kernels_asked(groups: Sequence[FindingGroup]) -> list[str]:
    """All kernels that some finding was asked of, the oldest first."""
    releases: dict[str, str] = {}
    for group in groups:
        for finding in group.findings:
            releases.setdefault(name_of(finding), finding.provenance.kernel_release)
            for verdict in finding.verdicts:
                if verdict.shows:
                    releases.setdefault(verdict.kernel, verdict.release)
    return sorted(releases, key=lambda name: (release_key(releases[name]), name))


def name_of(finding: Finding) -> str:
    """The kernel that it was found on, as verdicts name it: with its boot arguments."""
    return f"{finding.kernel} ({' '.join(finding.boot_args)})" if finding.boot_args else finding.kernel
