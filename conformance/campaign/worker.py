"""A worker: one process, one virtual machine; generates, has the kernel judge, judges the kernel, and pursues
what it finds."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection

import msgspec

from conformance.campaign.assignment import Assignment
from conformance.campaign.events import (
    Channel,
    ErrorMet,
    FindingStored,
    FindingWithdrawn,
    OfferMade,
    Standing,
    Stop,
    WorkerEnded,
)
from conformance.campaign.garbage import seldom_collected
from conformance.campaign.object_turns import ObjectTurns
from conformance.campaign.pipe import PipeChannel
from conformance.campaign.postponed import Postponed, PostponedJudgement
from conformance.campaign.pursuit import Pursuit
from conformance.campaign.reach import count_reach, offer_of
from conformance.campaign.subjects import LostSubject, ProgramSubject
from conformance.campaign.tally import ALONE, FOREIGN, Tally
from conformance.kernel.accelerator import accelerator
from conformance.kernel.architecture import DEFAULT
from conformance.kernel.compiling import is_native
from conformance.kernel.features import probe
from conformance.kernel.hello import Knob
from conformance.kernel.jobs import Job, KernelAnswer, LossReason, Lost
from conformance.kernel.peer.asking import ask
from conformance.kernel.qemu import in_short
from conformance.kernel.session import KernelSession
from conformance.observing.door import Door, Sighting, judging_loss, variants_of
from conformance.observing.machines import Machines
from conformance.observing.observation import Observation
from conformance.observing.question import Question
from conformance.observing.sampling import Sampling
from conformance.observing.siblings import Siblings
from conformance.properties.property import Property
from conformance.properties.registry import PROPERTIES
from ebpf.errors import InfrastructureError
from generators.profiles import Profile, profile_for
from generators.recipes import Recipe, draw

IN_FLIGHT = 48
EXPERIMENTS_EVERY = 12
"""Programs per program of experiments, when a property about them is one of several."""
REPORT_SECONDS = 2.0
JOB_SECONDS = 20.0
"""The watchdog: generated programs load in milliseconds; one that takes longer is counted as lost, not as a
verdict."""
ERROR_LIMIT = 20
"""Errors of ours after which a worker gives up: what goes wrong for every program judges nothing."""
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class _InFlight:
    """A question that was put to the kernel; what was answered is not judged yet."""

    number: int
    recipe: Recipe
    question: Question
    observation: Observation | None = None
    """None until the kernel has answered."""
    row: Property | None = None
    """The property that asked about other programs, of which some answers are awaited."""
    wanted: Sequence[Question] = ()
    answers: list[KernelAnswer | Lost] = field(default_factory=list)
    """To what is wanted, in its order."""


class Worker:
    """Works off one assignment."""

    def __init__(
        self,
        assignment: Assignment,
        channel: Channel,
        open_session: Callable[..., KernelSession] = KernelSession.open,
        draw: Callable[[random.Random, Profile], Recipe] = draw,
    ) -> None:
        self.assignment = assignment
        self.draw = draw
        self.channel = channel
        self.open_session = open_session
        native = assignment.image.architecture is DEFAULT
        asked = [PROPERTIES[kind] for kind in assignment.kinds]
        self.rows = tuple(row for row in asked if native or not row.native)
        """Those that are asked of this kernel."""
        self.sampling = Sampling(self.rows)
        self.tally = Tally()
        for row in asked:
            if row not in self.rows:
                self.tally.abstained[row.kind, FOREIGN] += 1
            elif row.needs_siblings is not None and not assignment.against and not native:
                self.tally.abstained[row.kind, ALONE] += 1
        self.number = assignment.programs
        self.started: float | None = None
        self._reported_boots = 0
        self._reported_until = 0.0
        self._errors = 0
        self._stopped = False
        self._in_flight: dict[int, _InFlight] = {}
        self._reported_losses = 0
        self._reported_work = False
        self._last_report = time.monotonic()

    def work(self) -> None:
        """Until time, examples or patience are over."""
        task = self.assignment
        with (
            seldom_collected(),
            self.open_session(task.image, task.boot_args, job_seconds=JOB_SECONDS) as session,
            closing(Machines(self.open_session, JOB_SECONDS)) as machines,
        ):
            self.siblings = Siblings(task.against, machines)
            self.postponed = Postponed(self.siblings)
            self._begin(session)
            self._report()
            while not self._is_over():
                if not self.objects.is_next(self.number):
                    self._fill()
                elif not self._in_flight:
                    self._start_clock()
                    with self._going_on(f"object {self.objects.number}"):
                        self.objects.put(self.tally)
                    self._report_now_and_then()
                for tag, answer in self._answers():
                    if self._is_over():
                        break
                    self._start_clock()
                    # What an error ended may have asked more than one question.
                    if (asked := self._in_flight.get(tag)) is not None:
                        with self._going_on(f"program {tag}", tag):
                            self._take(asked, answer)
                    if self.postponed.is_due:
                        self._judge_postponed()
                    self._report_now_and_then()
            if not self._stopped:
                self._ask_what_it_has()
                self._judge_postponed()
            self._report()

    @contextmanager
    def _going_on(self, what: str, number: int = -1) -> Iterator[None]:
        """An error of ours over one program, of that number, ends that program: it is told, and the next one
        is asked about.

        Raised again: what ends the work on this kernel, and the :data:`ERROR_LIMIT` th error.
        """
        try:
            yield
        except InfrastructureError:
            raise
        except Exception as error:
            self._errors += 1
            if self._errors >= ERROR_LIMIT:
                raise
            self._in_flight.pop(number, None)
            self.tally.counts["internal errors"] += 1
            task, trace = self.assignment, "".join(traceback.format_exception(error))
            self.channel.send(ErrorMet(task.worker, task.image.name, trace, what))

    def _begin(self, session: KernelSession) -> None:
        """Make all that hangs on the kernel that was booted."""
        task = self.assignment
        self.session = session
        self.release = session.hello.release
        chosen = accelerator(task.image)
        self.accelerator = chosen.name.lower()
        native = is_native(task.image.architecture)
        provenance = msgspec.structs.replace(
            task.provenance,
            kernel_release=self.release,
            accelerator=self.accelerator,
            compiler="gcc" if native else task.image.architecture.cross_compiler,
            machine="" if native else in_short(task.image, chosen, task.boot_args),
        )
        self.profile = self._profile(
            profile_for(self.release, task.image.architecture.machine, bool(session.hello.knobs & Knob.JIT))
        )
        self.door = Door(self._ask_now, partial(ask, session), self.release, self.siblings)
        self.pursuit = Pursuit(task, provenance, self.channel)
        self.objects = ObjectTurns(task, self.rows, self.door, self.pursuit)

    def _profile(self, profile: Profile) -> Profile:
        """What to generate: experiments for properties that are about them, and nothing else where no others
        are asked."""
        judging = [row for row in self.rows if row.judge is not None]
        if not any(row.experiments for row in judging):
            return profile
        alone = all(row.experiments for row in judging)
        return replace(profile, experiments_in=1 if alone else EXPERIMENTS_EVERY)

    def _ask_what_it_has(self) -> None:
        """Ask the kernel for its features, where somebody wants to know: less than a second."""
        if self.assignment.probes:
            with self._going_on("the kernel's features"):
                for _ in self.session.results():  # what nobody judges any more
                    pass
                self.channel.send(OfferMade(self.assignment.image.name, offer_of(probe(self.session))))

    def _start_clock(self) -> None:
        if self.started is None:
            self.started = time.monotonic()
            self.pursuit.deadline = self.started + (self.assignment.seconds or float("inf"))

    def _is_over(self) -> bool:
        task = self.assignment
        if self._is_told_to_stop():
            return True
        if (
            task.seconds is not None
            and self.started is not None
            and time.monotonic() - self.started >= task.seconds
        ):
            return True
        made = self.objects.number if self.objects.alone else self.number
        return task.examples is not None and made >= task.examples and not self._in_flight

    def _is_told_to_stop(self) -> bool:
        for order in self.channel.orders():
            match order:
                case Stop():
                    self._stopped = True
                case FindingStored():
                    self.pursuit.found.add(order.id)
                case FindingWithdrawn():
                    self.pursuit.found.discard(order.id)
        return self._stopped

    def _fill(self) -> None:
        task = self.assignment
        while len(self._in_flight) < IN_FLIGHT and (task.examples is None or self.number < task.examples):
            number = self.number
            self.number += 1
            with self._going_on(f"program {number}", number):
                self._submit(number)

    def _submit(self, number: int) -> None:
        """Make the program of this number and ask about it."""
        task, clock = self.assignment, time.process_time()
        # A seed of its own for every program: any of them can be made again from the run's seed alone.
        rng = random.Random(f"{task.seed}/{task.image.name}/{task.worker}/{number}")
        recipe = self.draw(rng, self.profile)
        generated = recipe.make()
        clock = self._spend("generate", clock)
        question = self.sampling.question(generated, number)
        self.session.submit(question.job, number)
        self._in_flight[number] = _InFlight(number, recipe, question)
        self._spend("kernel", clock)

    def _answers(self) -> Iterator[tuple[int, KernelAnswer | Lost]]:
        clock = time.process_time()
        taken = list(self.session.results(block=False))
        if not taken and self._in_flight:
            taken = [next(self.session.results())]
        self._spend("kernel", clock)
        for tag, answer in taken:
            assert isinstance(tag, int)
            yield tag, answer

    def _ask_now(self, job: Job) -> KernelAnswer | Lost:
        """One job now, in line behind those in flight; their answers are kept."""
        tag, others = object(), list[tuple[Hashable, KernelAnswer | Lost]]()
        self.session.submit(job, tag)
        for answered, answer in self.session.results():
            if answered is tag:
                self.session.give_back(others)
                return answer
            others.append((answered, answer))
        raise AssertionError("a job submitted has an answer")

    def _take(self, asked: _InFlight, answer: KernelAnswer | Lost) -> None:
        """Take an answer about a program or about one that a property wants beside it, and judge when there
        is nothing more to ask.

        Nobody waits for such an answer: it stands in line with those about other programs.
        """
        clock = time.process_time()
        if asked.observation is None:
            if isinstance(answer, Lost):
                del self._in_flight[asked.number]
                self.tally.counts["lost"] += 1
                self.pursue_loss(asked.question, asked.recipe, answer)
                return
            observation = self.door.observation(asked.question, answer)
            if (again := observation.to_ask_instead) is not None:
                asked.question = again
                self.session.submit(again.job, asked.number)
                return
            asked.observation = observation
            if observation.accepted and self.sampling.runs:
                observation.runs  # noqa: B018 - so that its time is counted apart
            clock = self._spend("interpret", clock)
        else:
            asked.answers.append(answer)
            if len(asked.answers) < len(asked.wanted):
                return
            assert asked.row is not None
            asked.observation = self.door.with_answers(
                asked.observation, asked.row, asked.wanted, asked.answers
            )
        for row in self.sampling.asked(asked.number, asked.question):
            asked.row, asked.answers, asked.wanted = row, [], variants_of(asked.observation, row)
            if asked.wanted:
                for question in asked.wanted:
                    self.session.submit(question.job, asked.number)
                self._spend("compare", clock)
                return
            if row.variants is not None:
                # It was asked, and wants nothing: the judge need not find that out again.
                asked.observation = self.door.with_answers(asked.observation, row, (), ())
        self._spend("compare", clock)
        del self._in_flight[asked.number]
        self._judge(asked, asked.observation)

    def _judge(self, asked: _InFlight, observation: Observation) -> None:
        observation = self.sampling.with_reference(observation, asked.number)
        clock = time.process_time()
        self.tally.program(observation)
        count_reach(self.tally, observation)
        if self.sampling.runs:
            self.tally.runs(observation)
        if observation.question.budget is not None:
            self.tally.opinion(observation.reference)
            clock = self._spend("reference", clock)
        rows = self.sampling.asked(asked.number, asked.question)
        self._ask_properties(rows, observation, ProgramSubject(self.door, asked.recipe), clock)

    def _ask_properties(
        self, rows: Iterable[Property], observation: Observation, subject: ProgramSubject, clock: float
    ) -> None:
        """Have these judge, now or when other kernels run, and see through what they find."""
        sightings: list[Sighting] = []
        for row in rows:
            if self.postponed.concerns(row, observation):
                self.postponed.put(PostponedJudgement(row, observation, subject))
            else:
                sightings += self._ask_property(row, observation)
        self._spend("compare", clock)
        self.pursue(subject, sightings)

    def _ask_property(self, row: Property, observation: Observation) -> list[Sighting]:
        judged = self.door.judge(observation, row)
        self.tally.judgements(row.kind, judged.judgements)
        return [each for each in judged.sightings() if not each.disagreement.gap]

    def pursue(self, subject: ProgramSubject, sightings: Iterable[Sighting]) -> None:
        """See these disagreements through."""
        for sighting in sightings:
            self.pursuit.pursue(subject, self.door.with_witness(sighting))

    def _judge_postponed(self) -> None:
        """What waited for other kernels, until these run."""
        for each in self.postponed.take():
            with self._going_on("a program asked of other kernels"):
                clock = time.process_time()
                sightings = self._ask_property(each.row, each.observation)
                self._spend("compare", clock)
                self.pursue(each.subject, sightings)
            self._report_now_and_then()

    def pursue_loss(self, question: Question, recipe: Recipe, lost: Lost) -> None:
        """Ask again about what took the machine away, and see through what that shows."""
        clock = time.process_time()
        loss = self.door.observe_loss(question, lost)
        self.pursue(LostSubject(self.door, recipe), self.door.loss_sightings(question, loss, self.rows))
        if loss.loaded is not None:
            # What hangs only while its log is written can be asked about as any other program.
            kind = ProgramSubject if lost.reason is LossReason.HANG else LostSubject
            rows = judging_loss(self.rows, loss.loaded)
            self._ask_properties(rows, loss.loaded, kind(self.door, recipe), clock)

    def _spend(self, stage: str, since: float) -> float:
        now = time.process_time()
        self.tally.seconds[stage] += now - since  # type: ignore[assignment]  # Counter values may be floats
        return now

    def _report_now_and_then(self) -> None:
        """The first thing judged is reported at once."""
        if not self._reported_work or time.monotonic() - self._last_report > REPORT_SECONDS:
            self._reported_work = self.tally.work > 0
            self._report()

    def _report(self) -> None:
        losses = self.session.losses[self._reported_losses :]
        boots = self.session.boots - self._reported_boots
        worked = 0.0 if self.started is None else time.monotonic() - self.started
        self.channel.send(
            Standing(
                self.assignment.worker,
                self.assignment.image.name,
                self.tally,
                self.release,
                self.accelerator,
                boots,
                tuple(replace(loss, console=loss.console[-4000:]) for loss in losses),
                worked - self._reported_until,
                self.number,
                self.objects.number,
            )
        )
        self._reported_losses += len(losses)
        self._reported_boots += boots
        self._reported_until = worked
        self.tally = Tally()
        self._last_report = time.monotonic()


def main(assignment: Assignment, connection: Connection, parent: int) -> None:
    """The process: every way it can end is told to the parent, whose process id is ``parent``."""
    # Ctrl-C and its like go to the whole group; the parent decides.  Without a parent there is nobody to
    # work for: the kernel ends this process with it, and the virtual machine with this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    channel = PipeChannel(connection)
    ended = WorkerEnded(assignment.worker, assignment.image.name)
    try:
        Worker(assignment, channel).work()
        channel.send(ended)
    except BaseException as error:
        # It is kept whole by whoever is told, and shown as much of it as may be public.
        channel.send(ended.by(error))
        if not isinstance(error, Exception):
            raise
