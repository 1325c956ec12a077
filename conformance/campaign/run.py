"""A campaign from its start to its report: workers started, followed, and summed up."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from conformance.campaign.assignment import Assignment
from conformance.campaign.events import (
    Event,
    FindingMade,
    FindingMerged,
    FindingStored,
    FindingWithdrawn,
    Order,
    Stop,
    WorkerEnded,
)
from conformance.campaign.standing import CampaignStanding
from conformance.campaign.store import Store
from conformance.campaign.summary import summarise
from conformance.campaign.versions import now, provenance
from conformance.campaign.worker import main
from conformance.kernel.image import Image
from ebpf.errors import InfrastructureError, InputError
from reports.records import Progress, RunSummary
from reports.write import write_reports

SAVE_SECONDS = 5.0
GRACE_SECONDS = 45.0
"""How long workers may take to finish what they are at, beyond their time."""
INTERRUPTED_SECONDS = 2.0
"""How long, when somebody wants the run to end."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for.  Exactly one of ``seconds`` (per kernel) and ``examples`` (per kernel) is
    set."""

    images: tuple[Image, ...]
    kinds: tuple[str, ...]
    directory: Path
    command: str
    seed: int
    workers: int = 1
    seconds: float | None = 120.0
    examples: int | None = None
    boot_args: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    """Names of kernels to ask beside those under test."""


@dataclass(slots=True)
class _Started:
    """A worker's process, and our end of the line to it."""

    task: Assignment
    process: BaseProcess
    connection: Connection
    open: bool = True

    def tell(self, order: Order) -> None:
        """To a worker that is gone there is nothing to tell."""
        with suppress(OSError):
            self.connection.send(order)


class Campaign:
    """Runs :class:`Settings` to their end.  ``notify`` gets a :class:`Progress` about once a second."""

    def __init__(self, settings: Settings, notify: Callable[[Progress], None]) -> None:
        self.settings = settings
        self.notify = notify
        self.store = Store(settings.directory)
        self.provenance = provenance(settings.seed, settings.command)
        self.started = now()
        kernels = tuple(image.name for image in settings.images)
        self.standing = CampaignStanding(kernels, settings.seconds)
        self.report_failures: tuple[str, ...] = ()
        """Reports that could not be written, and why."""
        self._workers: list[_Started] = []

    def create(self) -> None:
        """Make the directory, before anything is announced.  Raises :class:`InputError` when that is not
        possible."""
        self.store.create()
        # So that what a kill leaves can be read from the first finding on.
        self.store.save_summary(self.summary(finished=False))

    def run(self) -> RunSummary:
        """Until every worker is done, after :meth:`create`.  KeyboardInterrupt ends it early, with its
        report."""
        try:
            self._start()
            self._follow(self._last_call)
        except KeyboardInterrupt:
            self.standing.interrupted = True
            for worker in self._workers:
                worker.tell(Stop())
            until = time.monotonic() + INTERRUPTED_SECONDS
            with suppress(KeyboardInterrupt):
                self._follow(lambda: until)
        finally:
            self._end_processes()
        return self._conclude()

    def handle(self, event: Event, sender: _Started | None = None) -> None:
        """Hand an event to all that want to know: of findings also to the other workers."""
        self.store.handle(event)
        self.standing.handle(event)
        match event:
            case FindingMade():
                self._tell_others(sender, FindingStored(event.finding.id))
            case FindingMerged():
                self._tell_others(sender, FindingWithdrawn(event.finding.id))

    def _tell_others(self, sender: _Started | None, order: Order) -> None:
        for worker in self._workers:
            if worker is not sender:
                worker.tell(order)

    def summary(self, *, finished: bool) -> RunSummary:
        """The run so far."""
        because = self.standing.why_incomplete if finished else "still running"
        return summarise(
            self.settings.kinds, self.standing, self.store.findings(), self.provenance, self.started, because
        )

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        for task in self._assignments():
            ours, theirs = context.Pipe()
            name = f"worker {task.worker} on {task.image.name}"
            process = context.Process(target=main, args=(task, theirs, os.getpid()), name=name)
            process.start()
            theirs.close()
            self._workers.append(_Started(task, process, ours))

    def _assignments(self) -> Iterator[Assignment]:
        settings = self.settings
        share = None if settings.examples is None else -(-settings.examples // settings.workers)
        for image in settings.images:
            for number in range(settings.workers):
                yield Assignment(
                    image,
                    settings.boot_args,
                    settings.kinds,
                    settings.seed,
                    number,
                    settings.seconds,
                    share,
                    tuple(name for name in settings.against if name != image.name),
                    self.provenance,
                )

    def _last_call(self) -> float:
        """When workers that are still at it are ended."""
        if not self.standing.has_begun or self.settings.seconds is None:
            return float("inf")
        return time.monotonic() - self.standing.elapsed() + self.settings.seconds + GRACE_SECONDS

    def _follow(self, last_call: Callable[[], float]) -> None:
        """Take events until all lines are closed, or the time of the last call has come."""
        saved = shown = time.monotonic()
        while (lines := {worker.connection: worker for worker in self._workers if worker.open}) and (
            time.monotonic() < last_call()
        ):
            for connection in wait(list(lines), timeout=0.5):
                assert isinstance(connection, Connection)
                self._take(lines[connection])
            clock = time.monotonic()
            if clock - shown > 1.0:
                shown = clock
                self.notify(self.standing.progress())
            if clock - saved > SAVE_SECONDS:
                saved = clock
                self.store.save_summary(self.summary(finished=False))
        self.standing.stop_clock()

    def _take(self, worker: _Started) -> None:
        try:
            self.handle(worker.connection.recv(), worker)
        except (EOFError, OSError):
            worker.open = False

    def _end_processes(self) -> None:
        """Whatever still runs is killed, and its virtual machine with it; what it sent before is taken."""
        for worker in self._workers:
            key = worker.task.image.name, worker.task.worker
            if key in self.standing.ended:
                worker.process.join(5.0)
            late = worker.process.is_alive()
            if late:
                worker.process.kill()
            worker.process.join()
            while worker.open and worker.connection.poll():
                self._take(worker)
            if key not in self.standing.ended:
                error = "" if late else f"{worker.process.name} ended with status {worker.process.exitcode}"
                self.handle(WorkerEnded(key[1], key[0], error, late=late))
            worker.connection.close()

    def _conclude(self) -> RunSummary:
        standing = self.standing
        if not standing.has_begun and not standing.interrupted:
            if standing.usage_errors:
                raise InputError(standing.usage_errors[0])
            if standing.errors:
                raise InfrastructureError(standing.errors[0])
        summary = self.summary(finished=True)
        self.store.save_summary(summary)
        self.report_failures = write_reports(self.settings.directory).failures
        return summary
