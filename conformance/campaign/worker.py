"""A worker: one process, one virtual machine; generates, has the kernel judge, judges the kernel, and pursues
what it finds."""

from __future__ import annotations

import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

import msgspec

from conformance.campaign.assignment import Assignment
from conformance.campaign.objects import ObjectPursuit
from conformance.campaign.pursuit import Pursuit
from conformance.campaign.source import BUFFER, program_source
from conformance.campaign.tally import Tally
from conformance.kernel.accelerator import accelerator
from conformance.kernel.jobs import Job, KernelAnswer, Lost
from conformance.kernel.session import KernelSession, MachineLoss
from conformance.properties import PROPERTIES, Observation, PropertyKind
from conformance.properties.judgement import Disagreement
from conformance.properties.observation import load_only, plan
from conformance.second_opinion import QUICK
from ebpf.errors import VeridiffError
from generators.experiments import is_experiment
from generators.profiles import Profile, profile_for
from generators.programs import Generated, Purpose

IN_FLIGHT = 48
SECOND_OPINION_IN = 48
"""One program in so many is put to the reference verifier whatever the kernel says."""
DARING_IN = 4
"""Of the programs whose safety nobody knows beforehand, one in so many."""
EXPERIMENTS_IN = 12
"""One program in so many is a program of experiments, when transfer is one property of several."""
OTHERS_IN = 48
"""Of the other programs, transfer judges one in so many."""
PROGRAMS_PER_TURN, OBJECTS = 1024, 8
"""So many programs, and then so many objects, each of which costs as much as a dozen programs."""
REPORT_SECONDS = 2.0
JOB_SECONDS = 20.0
"""The watchdog: generated programs load in milliseconds; one that takes longer is counted as lost, not as a
verdict."""


@dataclass(slots=True)
class WorkerReport:
    """What a worker tells its parent: counts since the last report, and where it stands."""

    worker: int
    kernel: str
    tally: Tally
    release: str = ""
    accelerator: str = ""
    boots: int = 0
    losses: list[MachineLoss] = field(default_factory=list)
    new: int = 0
    known: int = 0
    done: bool = False
    error: str = ""
    user_error: bool = False


@dataclass(frozen=True, slots=True)
class _Flying:
    number: int
    buffer: bytes
    generated: Generated
    job: Job

    def is_for(self, kind: PropertyKind) -> bool:
        """Whether a property is asked: transfer, which takes longer than the others, about few programs that
        are no experiments."""
        return (
            kind is not PropertyKind.TRANSFER or self.number % OTHERS_IN == 0 or is_experiment(self.generated)
        )


class Worker:
    """Works off one assignment."""

    def __init__(
        self,
        assignment: Assignment,
        queue: Queue[WorkerReport],
        stop: Event,
        open_session: Callable[..., KernelSession] = KernelSession.open,
    ) -> None:
        self.assignment = assignment
        self.queue = queue
        self.stop = stop
        self.open_session = open_session
        self.tally = Tally()
        self.number = 0
        self.reported_losses = 0
        self.last_report = time.monotonic()
        self.flying: dict[int, _Flying] = {}
        self.started: float | None = None
        self.told = False

    def work(self) -> None:
        """Until time, examples or patience are over."""
        task = self.assignment
        with self.open_session(task.image, task.boot_args, job_seconds=JOB_SECONDS) as session:
            release = session.hello.release
            self.accelerator = accelerator(task.image).name.lower()
            provenance = msgspec.structs.replace(
                task.provenance, kernel_release=release, accelerator=self.accelerator
            )
            self.session, self.release = session, release
            self.source = program_source(self._profile(profile_for(release)))
            self.pursuit = Pursuit(task, session, self.source, provenance)
            self.objects = ObjectPursuit(task, session, provenance)
            self._report()
            while not self._over():
                if not self._is_turn_of_objects():
                    self._fill()
                elif not self.flying:
                    self._begun()
                    self.objects.put(self.tally, self.pursuit.deadline)
                    self._report_now_and_then()
                for tag, answer in self._answers():
                    if self._over():
                        break
                    self._begun()
                    self._judge(self.flying.pop(tag), answer)
                    self._report_now_and_then()
            self._report(done=True)

    def _begun(self) -> None:
        if self.started is None:
            self.started = time.monotonic()
            self.pursuit.deadline = self.started + (self.assignment.seconds or float("inf"))

    def _is_turn_of_objects(self) -> bool:
        """Whether objects, which leave no room for anything else in flight, come next: a few of them now and
        then."""
        if PropertyKind.OBJECTS not in self.assignment.kinds:
            return False
        return not self.programs or self.objects.number < OBJECTS * (1 + self.number // PROGRAMS_PER_TURN)

    def _profile(self, profile: Profile) -> Profile:
        """What to generate: experiments for the property that is about them, and nothing else where it is
        alone."""
        if PropertyKind.TRANSFER not in self.assignment.kinds:
            return profile
        return replace(profile, experiments_in=1 if self.alone else EXPERIMENTS_IN)

    @property
    def programs(self) -> bool:
        """Whether programs are judged, and not objects only."""
        return self.assignment.kinds != (PropertyKind.OBJECTS,)

    @property
    def alone(self) -> bool:
        """Whether only claims are judged, for which nothing is run."""
        return self.assignment.kinds == (PropertyKind.TRANSFER,)

    def _over(self) -> bool:
        task = self.assignment
        if self.stop.is_set():
            return True
        if (
            task.seconds is not None
            and self.started is not None
            and time.monotonic() - self.started >= task.seconds
        ):
            return True
        made = self.number if self.programs else self.objects.number
        return task.examples is not None and made >= task.examples and not self.flying

    def _fill(self) -> None:
        task = self.assignment
        while len(self.flying) < IN_FLIGHT and (task.examples is None or self.number < task.examples):
            clock = time.process_time()
            # A seed of its own for every program: any of them can be made again from the run's seed alone.
            rng = random.Random(f"{task.seed}/{task.image.name}/{task.worker}/{self.number}")
            buffer = rng.randbytes(BUFFER)
            generated = self.source.generate(buffer)
            self._spent("generate", clock)
            number = self.number
            self.number += 1
            if generated is None:
                continue
            clock = time.process_time()
            job = load_only(generated.case) if self.alone else plan(generated.case, number)
            self.flying[number] = _Flying(number, buffer, generated, job)
            self.session.submit(job, number)
            self._spent("transfer", clock)

    def _answers(self) -> Iterator[tuple[int, KernelAnswer | Lost]]:
        clock = time.process_time()
        taken = list(self.session.results(block=False))
        if not taken and self.flying:
            taken = [next(self.session.results())]
        self._spent("transfer", clock)
        for tag, answer in taken:
            assert isinstance(tag, int)
            yield tag, answer

    def _judge(self, case: _Flying, answer: KernelAnswer | Lost) -> None:
        if isinstance(answer, Lost):
            self.tally.counts["lost"] += 1
            self.pursuit.lost(case.generated, case.job, answer)
            return
        seen = Observation(case.generated, case.job, answer, self.release)
        if not self.alone and _wants_second_opinion(seen, case.number):
            seen.budget = QUICK
        clock = time.process_time()
        if seen.accepted and not self.alone:
            seen.runs  # noqa: B018 - so that its time is counted apart
        clock = self._spent("interpret", clock)
        self.tally.program(seen)
        if seen.budget is not None:
            self.tally.opinion(seen.reference)
            clock = self._spent("reference", clock)
        disagreements: list[Disagreement] = []
        for kind in filter(case.is_for, self.assignment.kinds):
            if kind not in PROPERTIES:
                continue
            judgements = list(PROPERTIES[kind](seen))
            self.tally.judgements(kind, judgements)
            disagreements += [j for j in judgements if isinstance(j, Disagreement) and not j.gap]
        self._spent("compare", clock)
        for what in disagreements:
            self.pursuit.pursue(case.buffer, seen, what)

    def _spent(self, stage: str, since: float) -> float:
        now = time.process_time()
        self.tally.seconds[stage] += now - since  # type: ignore[assignment]  # Counter values may be floats
        return now

    def _report_now_and_then(self) -> None:
        """The first thing judged is told at once."""
        if not self.told or time.monotonic() - self.last_report > REPORT_SECONDS:
            self.told = self.tally.work > 0
            self._report()

    def _report(self, *, done: bool = False) -> None:
        losses = self.session.losses[self.reported_losses :]
        self.reported_losses += len(losses)
        self.queue.put(
            WorkerReport(
                self.assignment.worker,
                self.assignment.image.name,
                self.tally,
                self.release,
                self.accelerator,
                self.session.boots,
                [replace(loss, console=loss.console[-4000:]) for loss in losses],
                self.pursuit.new + self.objects.new,
                self.pursuit.known + self.objects.known,
                done,
            )
        )
        self.tally = Tally()
        self.last_report = time.monotonic()


def _wants_second_opinion(seen: Observation, number: int) -> bool:
    """Where the reference verifier is worth its time: where the kernel said what was not expected, and now
    and then elsewhere."""
    expected = seen.accepted == (seen.generated.purpose is Purpose.VALID)
    daring = seen.generated.purpose is Purpose.DARING
    return (
        (not expected and not daring)
        or (daring and number % DARING_IN == 0)
        or number % SECOND_OPINION_IN == 0
    )


def main(assignment: Assignment, queue: Queue[WorkerReport], stop: Event) -> None:
    """The process: every way it can end is told to the parent."""
    # Ctrl-C goes to the whole group; the parent decides, and workers finish what they are at.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    report = WorkerReport(assignment.worker, assignment.image.name, Tally(), done=True)
    try:
        Worker(assignment, queue, stop).work()
    except VeridiffError as error:
        report.error, report.user_error = str(error), True
        queue.put(report)
    except BaseException:
        report.error = traceback.format_exc()
        queue.put(report)
        raise
