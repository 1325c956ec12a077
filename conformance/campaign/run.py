"""A campaign from its start to its report: workers started, counted, shown, and summed up."""

from __future__ import annotations

import multiprocessing
import queue as queues
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from conformance.campaign.accusation import now
from conformance.campaign.assignment import Assignment
from conformance.campaign.store import Store
from conformance.campaign.summary import summarise
from conformance.campaign.tally import Tally
from conformance.campaign.worker import WorkerReport, main
from conformance.kernel.image import Image
from conformance.properties import PropertyKind
from conformance.versions import provenance
from ebpf.errors import InfrastructureError, InputError
from reports.records import Progress, RunSummary
from reports.write import write_reports

SAVE_SECONDS = 5.0
GRACE_SECONDS = 45.0
"""How long workers may take to finish what they are at, beyond their time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for.  Exactly one of ``seconds`` (per kernel) and ``examples`` (per kernel) is
    set."""

    images: tuple[Image, ...]
    kinds: tuple[PropertyKind, ...]
    directory: Path
    command: str
    seed: int
    workers: int = 1
    seconds: float | None = 120.0
    examples: int | None = None
    boot_args: tuple[str, ...] = ()


class Campaign:
    """Runs :class:`Settings` to their end.  ``notify`` gets a :class:`Progress` about once a second."""

    def __init__(self, settings: Settings, notify: Callable[[Progress], None]) -> None:
        self.settings = settings
        self.notify = notify
        self.store = Store(settings.directory)
        self.provenance = provenance(settings.seed, settings.command)
        self.started = now()
        self.begun: float | None = None
        self.ended: float | None = None
        self.tallies: dict[str, Tally] = {image.name: Tally() for image in settings.images}
        self.standing: dict[tuple[str, int], WorkerReport] = {}
        self.losses: dict[str, list[tuple[str, int, str, str]]] = {
            image.name: [] for image in settings.images
        }
        self.errors: list[str] = []
        self.user_errors: list[str] = []
        self.interrupted = False
        self.late: list[str] = []
        """Workers that had to be ended: a lost virtual machine or a long pursuit kept them past their time.
        """

    def create(self) -> None:
        """Make the directory, before anything is announced.  Raises :class:`InputError` when that is not
        possible."""
        self.store.create()
        self.store.summary(
            self.summary(finished=False)
        )  # so that what a kill leaves can be read from the first finding on

    def run(self) -> RunSummary:
        """Until every worker is done, after :meth:`create`.  Ctrl-C ends it early, with its report."""
        context = multiprocessing.get_context("spawn")
        inbox: multiprocessing.Queue[WorkerReport] = context.Queue()
        stop = context.Event()
        processes = [
            context.Process(
                target=main, args=(task, inbox, stop), name=f"worker {task.worker} on {task.image.name}"
            )
            for task in self._assignments()
        ]
        for process in processes:
            process.start()
        try:
            self._follow(processes, inbox)
        except KeyboardInterrupt:
            self.interrupted = True
            stop.set()
            self._follow(processes, inbox, time.monotonic() + GRACE_SECONDS)
        finally:
            for process in processes:
                process.join(5.0)
                if process.is_alive():
                    process.kill()
        judged = any(tally.work for tally in self.tallies.values())
        if self.user_errors and not judged:
            raise InputError(self.user_errors[0])
        if self.errors and not judged:
            raise InfrastructureError(self.errors[0])
        summary = self.summary(finished=True)
        self.store.summary(summary)
        write_reports(self.settings.directory)
        return summary

    def summary(self, *, finished: bool) -> RunSummary:
        """The run so far."""
        errors = "; ".join(error.strip().splitlines()[-1] for error in self.errors)
        because = "still running" if not finished else "interrupted" if self.interrupted else errors
        return summarise(self, because)

    def _last_call(self) -> float:
        """When workers that are still at it are ended."""
        if self.begun is None or self.settings.seconds is None:
            return float("inf")
        return self.begun + self.settings.seconds + GRACE_SECONDS

    def _is_done(self, name: str) -> bool:
        return any(
            r.done and name == f"worker {worker} on {kernel}" for (kernel, worker), r in self.standing.items()
        )

    def elapsed(self) -> float:
        """Seconds since the first program or object was judged."""
        if self.begun is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.begun

    def _assignments(self) -> Sequence[Assignment]:
        settings = self.settings
        return [
            Assignment(
                image,
                settings.boot_args,
                settings.kinds,
                settings.seed,
                number,
                settings.seconds,
                None if settings.examples is None else -(-settings.examples // settings.workers),
                settings.directory,
                self.provenance,
            )
            for image in settings.images
            for number in range(settings.workers)
        ]

    def _follow(
        self,
        processes: Sequence[BaseProcess],
        inbox: multiprocessing.Queue[WorkerReport],
        until: float = float("inf"),
    ) -> None:
        saved = shown = time.monotonic()
        while time.monotonic() < min(until, self._last_call()):
            try:
                self._take(inbox.get(timeout=0.5))
            except queues.Empty:
                if not any(process.is_alive() for process in processes):
                    break
            clock = time.monotonic()
            if clock - shown > 1.0:
                shown = clock
                self.notify(self._progress())
            if clock - saved > SAVE_SECONDS:
                saved = clock
                self.store.summary(self.summary(finished=False))
            if len(self.standing) == len(processes) and all(report.done for report in self.standing.values()):
                break
        self.ended = time.monotonic()
        late = [
            process.name for process in processes if process.is_alive() and not self._is_done(process.name)
        ]
        if late and self.ended > self._last_call():
            for process in processes:
                process.kill()
            self.late = late
        for process in processes:
            told = any(process.name in error for error in self.errors)
            if process.name not in late and process.exitcode not in (None, 0) and not told:
                self.errors.append(f"{process.name} ended with status {process.exitcode}")

    def _take(self, report: WorkerReport) -> None:
        if report.error:
            (self.user_errors if report.user_error else self.errors).append(report.error)
        if report.tally.work and self.begun is None:
            self.begun = time.monotonic()
        self.tallies[report.kernel].add(report.tally)
        self.losses[report.kernel] += [
            (loss.reason.value, loss.in_flight, str(loss.culprit or ""), loss.console)
            for loss in report.losses
        ]
        self.standing[report.kernel, report.worker] = report

    def _progress(self) -> Progress:
        total: Counter[str] = Counter()
        for tally in self.tallies.values():
            total.update(tally.counts)
        seconds = self.elapsed()
        left = None if self.settings.seconds is None else max(0.0, self.settings.seconds - seconds)
        return Progress(
            programs=total["judged"],
            accepted=total["accepted"],
            findings=sum(r.new for r in self.standing.values()),
            programs_per_second=total["judged"] / seconds if seconds else 0.0,
            seconds=seconds,
            seconds_left=left,
            objects=total["objects"],
        )
