"""Observations and judgements as the front doors make them, of answers that a test has."""

from __future__ import annotations

from conformance.kernel.jobs import Attempt, Job, KernelAnswer, Lost
from conformance.kernel.peer import Peer
from conformance.kernel.peer.answers import PeerAnswer
from conformance.observing.door import Door, Sighting
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.properties.judgement import Disagreement, Judgement
from conformance.properties.registry import PROPERTIES
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


def judgements_of(kind: str, observation: Observation) -> list[Judgement]:
    """What one property says."""
    return Door(_ask_nobody, _ask_no_peer, observation.release).judge(observation, PROPERTIES[kind])


def with_witness(observation: Observation, disagreement: Disagreement) -> tuple[Observation, Disagreement]:
    """The same on the case that has the input which shows it."""
    door = Door(_ask_nobody, _ask_no_peer, observation.release)
    sighting = door.with_witness(Sighting(observation, disagreement))
    return sighting.observation, sighting.disagreement
