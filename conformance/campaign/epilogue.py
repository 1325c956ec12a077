"""The epilogue of a campaign: what was found is asked of other kernels, once nobody looks for more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

import msgspec

from conformance.campaign.known import KnownIssue
from conformance.kernel.identity import KernelIdentity
from conformance.replaying.comparing import counterpart, identity, kernels_of
from conformance.replaying.replayed import ReplayState, with_verdict
from conformance.replaying.replayer import Replayer
from conformance.replaying.restoring import read
from ebpf.errors import VeridiffError
from reports.directory import RunDirectory
from reports.records import Finding, Status, UnseenIssue

BASELINE = "baseline"
"""The name of the known issue that a baseline's finding is."""


@dataclass(frozen=True, slots=True)
class Epilogue:
    """``say`` is told what is being asked."""

    replayer: Replayer
    say: Callable[[str], None]

    def ask_everywhere(
        self, findings: Iterable[Finding], kernels: Sequence[KernelIdentity]
    ) -> Iterator[Finding]:
        """Each finding with what every one of these kernels makes of it."""
        asked = {finding.id: finding for finding in findings}
        for kernel in kernels:
            for finding in list(asked.values()):
                if kernel != identity(finding):
                    self.say(f"asking {kernel} about finding {finding.id}")
                    asked[finding.id] = with_verdict(finding, self.replayer.ask_with_verdict(finding, kernel))
        yield from asked.values()

    def known_by(
        self, baseline: RunDirectory, findings: Iterable[Finding], kernels: Sequence[KernelIdentity]
    ) -> Iterator[Finding]:
        """Those that the baseline's kernel shows too, though the baseline did not draw them, as known."""
        for finding in findings:
            kernel = counterpart(identity(finding), kernels, kernels_of(baseline))
            if kernel is None or kernel == identity(finding):
                continue
            self.say(f"asking {kernel}, the baseline's kernel, about finding {finding.id}")
            if self.replayer.ask(finding, kernel).state is ReplayState.STILL:
                why = f"The kernel of the baseline, {kernel}, shows it too."
                yield msgspec.structs.replace(
                    finding, status=Status.KNOWN, known_as=BASELINE, explanation=why
                )

    def unseen(
        self,
        issues: Iterable[KnownIssue],
        findings: Sequence[Finding],
        kernels: Sequence[tuple[KernelIdentity, str]],
    ) -> Iterator[UnseenIssue]:
        """Which of these issues the run did not see on a kernel (with its release) that they are about;
        those with a finding of their own are replayed."""
        seen = {(finding.known_as, identity(finding)) for finding in findings}
        for kernel, release in kernels:
            for issue in issues:
                if issue.is_about(release) and (issue.id, kernel) not in seen:
                    yield UnseenIssue(issue.id, str(kernel), *self._standing_of(issue, kernel))

    def _standing_of(self, issue: KnownIssue, kernel: KernelIdentity) -> tuple[str, str]:
        if not issue.finding:
            return "not seen", "it names no finding to replay"
        self.say(f"asking {kernel} about known issue {issue.id}")
        try:
            replayed = self.replayer.ask(read(Path(issue.finding)), kernel)
        except VeridiffError as error:
            return ReplayState.CANNOT_TELL.value, str(error)
        match replayed.state:
            case ReplayState.STILL:
                return replayed.state.value, replayed.statement
            case ReplayState.GONE:
                return "stale", f"its finding shows 0 of {replayed.times} times: the entry can go"
            case ReplayState.CANNOT_TELL:
                return replayed.state.value, replayed.reason


def issues_of(
    baseline: RunDirectory, kernel: KernelIdentity, kernels: Sequence[KernelIdentity]
) -> tuple[KnownIssue, ...]:
    """What a baseline found on the kernel that stands for one of these, as known issues."""
    theirs = counterpart(kernel, kernels, kernels_of(baseline))
    return tuple(
        KnownIssue(
            id=BASELINE,
            signatures=(escape(finding.signature),),
            kernels=("*",),
            cause=f"The baseline has it too: finding {finding.id} of {baseline.directory}.",
            public=finding.public,
        )
        for finding in baseline.findings
        if identity(finding) == theirs
    )
