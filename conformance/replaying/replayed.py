"""What became of a finding on a kernel that was asked about it again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import msgspec

from conformance.kernel.identity import KernelIdentity
from reports.records import Finding, VerdictRecord


class ReplayState(Enum):
    """Whether a finding shows."""

    STILL = "still"
    GONE = "gone"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """It was asked ``times`` times, which told something ``told`` times, and showed ``shown`` times."""

    finding: Finding
    kernel: KernelIdentity
    release: str = ""
    """As ``uname -r`` says it; empty where the kernel was not booted."""
    times: int
    told: int = 0
    shown: int = 0
    statement: str = ""
    """The disagreement as it showed last."""
    reason: str = ""
    """Why it could not be told, the last time that it could not."""
    verdict: str = ""
    message: str = ""
    """What the kernel says of the program, where that was asked."""

    @property
    def state(self) -> ReplayState:
        """Gone is only what was told each time."""
        if self.shown:
            return ReplayState.STILL
        return ReplayState.GONE if self.told == self.times else ReplayState.CANNOT_TELL

    @property
    def record(self) -> VerdictRecord:
        """The row of a finding's table of kernels."""
        message = self.reason if self.state is ReplayState.CANNOT_TELL else self.message
        return VerdictRecord(
            str(self.kernel), self.verdict or "none", message, self.release, shows=self.state.value
        )


def with_verdict(finding: Finding, replayed: Replayed) -> Finding:
    """The finding with a row for a kernel that was asked, in the place of an older one."""
    record = replayed.record
    others = tuple(each for each in finding.verdicts if each.kernel != record.kernel)
    return msgspec.structs.replace(finding, verdicts=(*others, record))
