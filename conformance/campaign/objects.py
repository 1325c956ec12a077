"""The objects of a campaign: generated, put to every peer, and what they disagree on seen through."""

from __future__ import annotations

import random
import time
from collections import Counter

from conformance.campaign import accusation, known
from conformance.campaign.assignment import Assignment
from conformance.campaign.source import BUFFER, Source
from conformance.campaign.store import Store
from conformance.campaign.tally import Tally
from conformance.kernel.peer import PEERS, Peer
from conformance.kernel.session import KernelSession
from conformance.peers import Examined, examine
from conformance.properties import PropertyKind
from conformance.properties.judgement import Disagreement
from generators.objects import ObjectFile
from generators.strategies import objects
from reports.records import Finding, Provenance, Reproduced

REPEATS = 3
FAMILY_LIMIT = 8
"""Findings per way of disagreeing; more of them say nothing new."""
SHRINK_SECONDS = 12.0


class ObjectPursuit:
    """``number`` counts objects made; ``new`` and ``known`` findings stored."""

    def __init__(self, task: Assignment, session: KernelSession, provenance: Provenance) -> None:
        self.task = task
        self.session = session
        self.provenance = provenance
        self.source = Source(objects())
        self.store = Store(task.directory)
        self.issues = known.load()
        self.signatures: set[str] = set()
        self.families: Counter[str] = Counter()
        self.number = 0
        self.new = 0
        self.known = 0
        self.unconfirmed = 0

    def put(self, tally: Tally, until: float) -> None:
        """The next object, to each peer; not while jobs are in flight.  From ``until`` on nothing is
        shrunk."""
        rng = random.Random(
            f"{self.task.seed}/{self.task.image.name}/{self.task.worker}/object {self.number}"
        )
        self.number += 1
        buffer = rng.randbytes(BUFFER)
        made = self.source.generate(buffer)
        if made is None:
            return
        tally.counts["objects"] += 1
        tally.counts["objects broken"] += bool(made.broken)
        for peer in PEERS:
            seen = examine(self.session, peer, made)
            tally.counts["objects put to a peer"] += 1
            tally.judgements(PropertyKind.OBJECTS, [each for each in seen.judgements if not _of_health(each)])
            for what in seen.disagreements:
                if what.kind in self.task.kinds:
                    self._pursue(buffer, seen, what, until)

    def _pursue(self, buffer: bytes, seen: Examined, what: Disagreement, until: float) -> None:
        signature, family = what.signature, what.signature.rsplit(":", 1)[0]
        told = signature in self.signatures or self.store.has(
            accusation.finding_id(signature, self.task.image.name)
        )
        if told or self.families[family] >= FAMILY_LIMIT:
            return
        self.signatures.add(signature)
        self.store.object_candidate(what.kind.value, signature, accusation.evidence(seen))
        times = sum(self._again(seen.made, seen.peer, signature) is not None for _ in range(REPEATS))
        if not times:
            self.unconfirmed += 1
            return
        self.families[family] += 1
        if self._store(seen, what, times).known_as:
            self.known += 1
            return
        self.new += 1
        smallest = self._shrink(buffer, seen, signature, min(SHRINK_SECONDS, (until - time.monotonic()) / 4))
        if smallest is not None:
            self._store(*smallest, times)

    def _again(self, made: ObjectFile, peer: Peer, signature: str) -> tuple[Examined, Disagreement] | None:
        seen = examine(self.session, peer, made)
        return next(((seen, what) for what in seen.disagreements if what.signature == signature), None)

    def _shrink(
        self, buffer: bytes, seen: Examined, signature: str, seconds: float
    ) -> tuple[Examined, Disagreement] | None:
        """The smallest object of the signature found in that time; None for none."""
        best: list[tuple[Examined, Disagreement]] = []

        def still_fails(made: ObjectFile) -> bool:
            again = self._again(made, seen.peer, signature)
            if again is not None and (not best or len(made.data) <= len(best[0][0].made.data)):
                best[:] = [again]
            return again is not None

        if seconds > 1.0:
            self.source.shrink(buffer, still_fails, seconds)
        return best[0] if best else None

    def _store(self, seen: Examined, what: Disagreement, times: int) -> Finding:
        issue = known.find(self.issues, what.signature, self.provenance.kernel_release)
        record = accusation.object_finding(
            seen, what, self.task, self.provenance, issue, Reproduced(times, REPEATS)
        )
        self.store.finding(record)
        return record


def _of_health(judgement: object) -> bool:
    return isinstance(judgement, Disagreement) and judgement.kind is PropertyKind.HEALTH
