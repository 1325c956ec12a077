"""A worker with the lying kernel, in this process: an assignment in, reports and a directory out."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.campaign import worker as workers
from conformance.campaign.assignment import Assignment
from conformance.campaign.pursuit import Pursuit
from conformance.campaign.run import Campaign, Settings
from conformance.campaign.source import program_source
from conformance.campaign.worker import Worker, WorkerReport
from conformance.kernel.image import Image
from conformance.kernel.qemu import Accelerator
from conformance.properties import PropertyKind
from generators.profiles import Profile
from reports.records import Provenance, RunSummary
from tests.lying.kernel import LyingKernel
from tests.lying.model import JUDGED

IMAGE = Image("lying", "6.12", Path("/nowhere"))
PROFILE = Profile(near_misses_in=0, daring_in=0, unprivileged_in=5, inputs=3)
"""What the model kernel can judge."""


def assignment(
    directory: Path, *, kinds: tuple[PropertyKind, ...] = JUDGED, examples: int = 40
) -> Assignment:
    provenance = Provenance(versions={}, seed=1, command="test", date="2026-01-01T00:00:00Z")
    return Assignment(IMAGE, (), kinds, 1, 0, None, examples, directory, provenance)


def pursuit(directory: Path, kernel: LyingKernel) -> Pursuit:
    """One that shrinks for as long as it may."""
    task = assignment(directory)
    made = Pursuit(task, kernel.session(), program_source(PROFILE), task.provenance)
    made.provenance = Provenance(versions={}, seed=1, command="test", date="", kernel_release=kernel.release)
    return made


@dataclass(frozen=True, slots=True)
class Ran:
    """What a whole run left."""

    campaign: Campaign
    reports: list[WorkerReport]
    summary: RunSummary
    worker: Worker


def ran(
    directory: Path,
    kernel: LyingKernel,
    patch: pytest.MonkeyPatch,
    *,
    kinds: tuple[PropertyKind, ...] = JUDGED,
    examples: int = 40,
    watch: Callable[[Worker], None] = lambda worker: None,
    interrupted: bool = False,
) -> Ran:
    """A campaign of one worker, from its start to ``run.json``."""
    patch.setattr(workers, "profile_for", lambda release: PROFILE)
    patch.setattr(workers, "accelerator", lambda image: Accelerator.TCG)
    settings = Settings((IMAGE,), kinds, directory, "veridiff run", 1, seconds=None, examples=examples)
    campaign = Campaign(settings, lambda progress: None)
    campaign.store.create()
    inbox: queue.Queue[WorkerReport] = queue.Queue()
    stop = threading.Event()
    worker = Worker(assignment(directory, kinds=kinds, examples=examples), inbox, stop, kernel.session)  # type: ignore[arg-type]
    watch(worker)
    worker.work()
    reports = [inbox.get() for _ in range(inbox.qsize())]
    for report in reports:
        campaign._take(report)
    campaign.interrupted = interrupted
    summary = campaign.summary(finished=True)
    campaign.store.summary(summary)
    return Ran(campaign, reports, summary, worker)
