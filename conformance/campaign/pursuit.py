"""Pursuit: a disagreement is noted at once, repeated, reported, reduced, reported again; and what is the same
bug is told once."""

from __future__ import annotations

import time
from collections import Counter

from conformance.campaign import known
from conformance.campaign.assignment import Assignment
from conformance.campaign.events import Channel, FindingMade, FindingMerged
from conformance.campaign.records import Confirmation, finding_id
from conformance.campaign.subjects import SightingT, Subject
from conformance.kernel.identity import KernelIdentity
from ebpf.signature import Signature
from reports.records import Finding, Provenance, Reproduced, Status

FAMILY_LIMIT = 3
"""Findings pursued per family of signatures: one bug can show at many instructions before it is reduced."""
MERGE_LIMIT = 8
"""Pursuits per family that end in a finding already made: they cost time, but another bug of the family may
be behind the next."""
DOUBTS = 3
"""Times that a signature may fail to show again, or turn out to be another, before it is given up."""
INSISTING = 3
"""Programs that show one signature of a family beyond :data:`MERGE_LIMIT` before it is followed after all."""
EVIDENCE_LIMIT = 50
"""Times that more than a signature is looked at before what is known under it is taken for the same."""
SHRINK_SECONDS = 20.0


class Pursuit:
    """Of one worker, over subjects of every kind."""

    def __init__(self, task: Assignment, provenance: Provenance, channel: Channel) -> None:
        self.kernel = KernelIdentity(task.image.name, task.boot_args)
        self.provenance = provenance
        self.channel = channel
        self.issues = task.issues
        self.deadline = float("inf")
        """When the worker's time is over: from then on nothing is reduced."""
        self.found = set(task.found)
        """Ids of findings, made by whichever worker."""
        self.new = 0
        self.known = 0
        """Findings reported by this worker, by status."""
        self._signatures: set[Signature] = set()
        self._families: Counter[str] = Counter(task.families)
        self._merges: Counter[str] = Counter()
        self._passed_over: dict[Signature, list[object]] = {}
        """Programs that show a signature whose family turned out to be others often enough."""
        self._doubts: Counter[Signature] = Counter()
        self._explained: Counter[Signature] = Counter()
        """How often a known issue that asks for more than the signature explained it."""

    def pursue(self, subject: Subject[SightingT], sighting: SightingT) -> None:
        """See a disagreement through, unless it is one already seen."""
        signature = sighting.disagreement.signature
        is_told = self._is_found(signature)
        if is_told and not 0 < self._explained[signature] < EVIDENCE_LIMIT:
            return
        issue = self._issue(subject, sighting)
        if issue is not None and issue.needs_evidence:
            self._explained[signature] += 1
        if (is_told and issue is not None) or (issue is None and self._is_enough(subject, signature)):
            return
        if is_told:  # it was explained so far, and this one is something else
            self._explained[signature] = EVIDENCE_LIMIT
            self.known -= 1
        self._signatures.add(signature)
        self.channel.send(subject.candidate(sighting))
        if issue is not None:
            self._report(subject, sighting, Confirmation(None, issue))
            return
        reproduced = subject.confirm(sighting)
        if not reproduced.times:
            self._give_up_or_not(signature)
            return
        self._families[signature.family] += 1
        first = self._report(subject, sighting, Confirmation(reproduced, None))
        seconds = min(SHRINK_SECONDS, (self.deadline - time.monotonic()) / 4)
        final = subject.reduce(sighting, seconds, self._is_found)
        if final is not sighting:
            self._conclude(subject, first, signature, final, reproduced)

    def _conclude(
        self,
        subject: Subject[SightingT],
        first: Finding,
        signature: Signature,
        final: SightingT,
        reproduced: Reproduced,
    ) -> None:
        """Report what became of ``first``, before it is taken back: a kill between loses nothing."""
        reduced = final.disagreement.signature
        self._take_back(first)
        if reduced == signature or not self._is_found(reduced):
            self._signatures.add(reduced)
            self._report(subject, final, Confirmation(reproduced, self._issue(subject, final)))
        else:
            self._families[signature.family] -= 1
            self._merges[signature.family] += 1
        if reduced != signature:
            self.channel.send(FindingMerged(first, finding_id(reduced, self.kernel)))
            self.found.discard(first.id)
            self._give_up_or_not(signature)

    def _report(
        self, subject: Subject[SightingT], sighting: SightingT, confirmation: Confirmation
    ) -> Finding:
        finding = subject.record(sighting, self.kernel, self.provenance, confirmation)
        self.channel.send(FindingMade(finding))
        self.found.add(finding.id)
        self.new += finding.status is Status.NEW
        self.known += finding.status is Status.KNOWN
        return finding

    def _take_back(self, finding: Finding) -> None:
        self.new -= finding.status is Status.NEW
        self.known -= finding.status is Status.KNOWN

    def _issue(self, subject: Subject[SightingT], sighting: SightingT) -> known.KnownIssue | None:
        signature, release = str(sighting.disagreement.signature), self.provenance.kernel_release
        return known.find(self.issues, signature, release, subject.evidence(sighting))

    def _is_enough(self, subject: Subject[SightingT], signature: Signature) -> bool:
        """Whether its family has been seen enough of.  One that only turned out to be others so often may be
        another bug all the same where program after program shows it."""
        family = signature.family
        if self._families[family] >= FAMILY_LIMIT:
            return True
        if self._merges[family] < MERGE_LIMIT:
            return False
        passed_over = self._passed_over.setdefault(signature, [])
        if not any(each is subject for each in passed_over):
            passed_over.append(subject)
        return len(passed_over) < INSISTING

    def _is_found(self, signature: Signature) -> bool:
        """Whether there is a finding of that signature, or was one to be."""
        return signature in self._signatures or finding_id(signature, self.kernel) in self.found

    def _give_up_or_not(self, signature: Signature) -> None:
        """What did not show again, or was something else, may be seen a few times more."""
        self._doubts[signature] += 1
        if self._doubts[signature] < DOUBTS:
            self._signatures.discard(signature)
