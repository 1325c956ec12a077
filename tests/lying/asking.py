"""Observations and judgements as the front doors make them, of answers that a test has."""

from __future__ import annotations

from conformance.kernel.jobs import Attempt, Job, KernelAnswer, KernelVerdict, Lost
from conformance.kernel.peer import Peer
from conformance.kernel.peer.answers import PeerAnswer
from conformance.kernel.verdicts import Ruling
from conformance.observing.door import Door, Sighting
from conformance.observing.machines import Machines
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.observing.siblings import SiblingRuling, Siblings
from conformance.properties.judgement import Disagreement, Judgement
from conformance.properties.registry import PROPERTIES
from ebpf.program import Case
from ebpf.releases import Release
from generators.programs import Generated
from oracles.reference import Budget

RELEASE = "6.12.117-lying"


def observe(
    generated: Generated,
    answer: KernelAnswer,
    release: str = RELEASE,
    *,
    attempts: tuple[Attempt, ...] = Attempts.ALL.value,
    budget: Budget | None = None,
) -> Observation:
    """What a kernel answered to a question."""
    return Observation(Question(generated, attempts, budget), answer, release)


def _ask_nobody(job: Job) -> KernelAnswer | Lost:
    raise AssertionError(f"nobody is to be asked: {job}")


def _ask_no_peer(peer: Peer, data: bytes) -> PeerAnswer | Lost:
    raise AssertionError(f"nobody is to be asked: {peer}")


NOBODY = Siblings((), Machines())


class ToldSiblings(Siblings):
    """Siblings that say the same of every program, without being booted."""

    def __init__(self, **verdicts: KernelVerdict) -> None:
        """``v6_1=KernelVerdict.ACCEPT``: a kernel of series 6.1 accepts."""
        super().__init__((), Machines())
        self.verdicts = {name.removeprefix("v").replace("_", "."): each for name, each in verdicts.items()}

    def ask(self, case: Case, *, logged: bool) -> tuple[SiblingRuling, ...]:
        rulings = (
            SiblingRuling(f"sibling:{name}", Release.parse(name), Ruling(verdict), pruned=False)
            for name, verdict in self.verdicts.items()
        )
        return tuple(sorted(rulings, key=lambda each: each.release))


OLDER_ACCEPTS = ToldSiblings(v6_1=KernelVerdict.ACCEPT)


def judgements_of(kind: str, observation: Observation, siblings: Siblings = NOBODY) -> list[Judgement]:
    """What one property says."""
    door = Door(_ask_nobody, _ask_no_peer, observation.release, siblings)
    return list(door.judge(observation, PROPERTIES[kind]).judgements)


def with_witness(
    observation: Observation, disagreement: Disagreement, siblings: Siblings = NOBODY
) -> tuple[Observation, Disagreement]:
    """The same on the case that has the input which shows it."""
    door = Door(_ask_nobody, _ask_no_peer, observation.release, siblings)
    sighting = door.with_witness(Sighting(observation, disagreement))
    return sighting.observation, sighting.disagreement
