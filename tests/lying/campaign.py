"""A worker with the lying kernel, in this process: an assignment in, events and a directory out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance.campaign import known
from conformance.campaign import worker as workers
from conformance.campaign.assignment import Assignment
from conformance.campaign.events import ErrorMet, Event, Order, Standing
from conformance.campaign.pursuit import Pursuit
from conformance.campaign.run import Campaign, Settings
from conformance.campaign.store import Store
from conformance.campaign.subjects import ProgramSubject
from conformance.campaign.worker import Worker
from conformance.kernel.image import Image
from conformance.kernel.qemu import Accelerator
from conformance.observing.door import Door, Sighting
from conformance.observing.observation import Observation
from conformance.observing.siblings import Siblings
from conformance.properties.judgement import Disagreement
from generators.profiles import Profile
from generators.recipes import Recipe
from reports.records import Provenance, RunSummary
from tests.lying.asking import OLDER_ACCEPTS
from tests.lying.kernel import LyingKernel
from tests.lying.model import JUDGED

IMAGE = Image("lying", "6.12", Path("/nowhere"))
PROFILE = Profile(near_misses_in=0, daring_in=0, aims_in=0, unprivileged_in=5, inputs=3)
"""What the model kernel can judge."""


def assignment(*, kinds: tuple[str, ...] = JUDGED, examples: int = 40) -> Assignment:
    provenance = Provenance(versions={}, seed=1, command="test", date="2026-01-01T00:00:00Z")
    return Assignment(IMAGE, (), kinds, 1, 0, None, examples, (), provenance, known.load())


@dataclass
class Line:
    """A channel in this process: keeps events, and hands each on at once."""

    handle: Callable[[Event], None]
    events: list[Event] = field(default_factory=list)

    def send(self, event: Event) -> None:
        self.events.append(event)
        self.handle(event)

    def orders(self) -> list[Order]:
        return []


@dataclass
class Hunt:
    """A pursuit alone, with the kernel behind a door."""

    pursuit: Pursuit
    door: Door
    line: Line

    def pursue(self, observation: Observation, disagreement: Disagreement) -> None:
        subject = ProgramSubject(self.door, Recipe(0, (), False, PROFILE))
        self.pursuit.pursue(subject, self.door.with_witness(Sighting(observation, disagreement)))


def hunt(directory: Path, kernel: LyingKernel, siblings: Siblings = OLDER_ACCEPTS) -> Hunt:
    """One that reduces for as long as it may."""
    provenance = Provenance(versions={}, seed=1, command="test", date="", kernel_release=kernel.release)
    line = Line(Store(directory).handle)
    return Hunt(Pursuit(assignment(), provenance, line), Door.of_session(kernel.session(), siblings), line)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a whole run left."""

    campaign: Campaign
    events: list[Event]
    summary: RunSummary
    worker: Worker

    def count(self, name: str) -> int:
        """How often something was counted."""
        return sum(event.tally.counts[name] for event in self.events if isinstance(event, Standing))


def ran(
    directory: Path,
    kernel: LyingKernel,
    patch: pytest.MonkeyPatch,
    *,
    kinds: tuple[str, ...] = JUDGED,
    examples: int = 40,
    watch: Callable[[Worker], None] = lambda worker: None,
    interrupted: bool = False,
    errors: bool = False,
) -> Ran:
    """A campaign of one worker, from its start to ``run.json``; ``errors``: some of ours are expected."""
    patch.setattr(workers, "profile_for", lambda *_: PROFILE)
    patch.setattr(workers, "accelerator", lambda image: Accelerator.TCG)
    settings = Settings((IMAGE,), kinds, directory, "veridiff run", 1, seconds=None, examples=examples)
    campaign = Campaign(settings, lambda progress: None)
    campaign.store.create()
    line = Line(campaign.handle)
    worker = Worker(assignment(kinds=kinds, examples=examples), line, kernel.session)
    watch(worker)
    worker.work()
    met = [event.error for event in line.events if isinstance(event, ErrorMet)]
    assert bool(met) is errors, met
    campaign.standing.interrupted = interrupted
    summary = campaign.summary(finished=True)
    campaign.store.save_summary(summary)
    return Ran(campaign, line.events, summary, worker)
