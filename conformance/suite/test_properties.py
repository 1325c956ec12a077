"""Every property holds for whatever the generators make."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, note

from conformance.campaign import known
from conformance.kernel.jobs import Lost
from conformance.kernel.peer import PEERS, Peer
from conformance.kernel.session import KernelSession
from conformance.observing.door import Door, Sighting, judge_object, question_of
from conformance.observing.evidence import SightingEvidence
from conformance.observing.siblings import Siblings
from conformance.properties.judgement import Abstention, Disagreement, Judgement
from conformance.properties.property import Property
from conformance.properties.registry import PROPERTIES
from ebpf.assembly import program_listing
from generators.objects import ObjectFile
from generators.profiles import profile_for
from generators.programs import Generated
from generators.strategies import objects, programs

OF_PROGRAMS = [row for row in PROPERTIES.values() if row.judge and row.in_checks]
OF_OBJECTS = [row for row in PROPERTIES.values() if row.judge_object]


class Compared:
    """Counts what was compared, and fails a test on what is no known issue."""

    def __init__(self, release: str) -> None:
        self.release = release
        self.issues = known.load()
        self.compared: Counter[bool] = Counter()

    def take(self, judgement: Judgement, evidence: known.Evidence = known.NO_EVIDENCE) -> None:
        """Count it.  Raises AssertionError for a disagreement that is neither known nor a gap."""
        self.compared[not isinstance(judgement, Abstention)] += 1
        if not isinstance(judgement, Disagreement) or judgement.gap:
            return
        signature = str(judgement.signature)
        if known.find(self.issues, signature, self.release, evidence) is None:
            raise AssertionError(f"{signature}: {judgement.statement}")

    def require_some(self) -> None:
        """Silence is not agreement."""
        assert self.compared[True], f"nothing was compared: {self.compared[False]} abstentions"


@pytest.mark.parametrize("row", OF_PROGRAMS, ids=lambda row: row.kind)
def test_property(row: Property, kernel: KernelSession, siblings: Siblings) -> None:
    """No disagreement of this kind but those in the known-issues file; and some programs were really
    compared."""
    door, tally = Door.of_session(kernel, siblings), Compared(kernel.hello.release)
    profile = replace(
        profile_for(door.release, kernel.hello.architecture.machine), experiments_in=int(row.experiments)
    )

    @given(programs(profile))
    def holds(generated: Generated) -> None:
        observation = door.observe(question_of(row, generated))
        if isinstance(observation, Lost):
            return
        for judgement in door.judge(observation, row).judgements:
            evidence: known.Evidence = known.NO_EVIDENCE
            if isinstance(judgement, Disagreement):
                evidence = SightingEvidence(door, Sighting(observation, judgement))
                for at, text in program_listing(generated.case.program):
                    note(f"{'>>>' if at == judgement.culprit else '   '} {at:4}: {text}")
            tally.take(judgement, evidence)

    holds()
    tally.require_some()


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("row", OF_OBJECTS, ids=lambda row: row.kind)
def test_objects(row: Property, peer: Peer, kernel: KernelSession, siblings: Siblings) -> None:
    """The same of ELF objects, well-formed or not, that libbpf opens and loads."""
    door, tally = Door.of_session(kernel, siblings), Compared(kernel.hello.release)

    @given(objects())
    def holds(file: ObjectFile) -> None:
        note(f"broken: {file.broken or 'nothing'}")
        for judgement in judge_object(door.observe_object(peer, file), row):
            tally.take(judgement)

    holds()
    if row.judge is None:
        tally.require_some()
