"""A campaign from its start to its report: workers started, followed, and summed up."""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from conformance.campaign import known, state
from conformance.campaign.assignment import Assignment
from conformance.campaign.crew import AnyCrew, AnyMember, Crew
from conformance.campaign.epilogue import Epilogue, issues_of
from conformance.campaign.events import (
    Event,
    FindingMade,
    FindingMerged,
    FindingStored,
    FindingWithdrawn,
    Standing,
    Stop,
)
from conformance.campaign.known import KnownIssue
from conformance.campaign.rota import CRASHES, SKIPPED, Post, Rota, posts_of
from conformance.campaign.standing import CampaignStanding
from conformance.campaign.state import RunPlan, RunState
from conformance.campaign.store import Store
from conformance.campaign.summary import summarise
from conformance.campaign.versions import now, provenance
from conformance.kernel.identity import KernelIdentity
from conformance.kernel.image import Image
from conformance.observing.siblings import others_like
from conformance.replaying.replayer import Replayer
from ebpf.errors import InfrastructureError, InputError
from reports.directory import RunDirectory
from reports.records import Finding, Progress, RunSummary, Status, UnseenIssue
from reports.write import write_reports

SAVE_SECONDS = 5.0
INTERRUPTED_SECONDS = 2.0
"""How long workers may take to end, when somebody wants the run to."""


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
    """Virtual machines under test that run at a time, over all kernels."""
    seconds: float | None = 120.0
    examples: int | None = None
    boot_args: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    """Names of kernels to ask beside those under test."""
    also: tuple[str, ...] = ()
    """Names of kernels that are asked about every new finding in the end."""
    baseline: Path | None = None
    """A run whose findings are no news."""
    local: tuple[KnownIssue, ...] = ()
    """Known issues beside those of this version."""

    @property
    def plan(self) -> RunPlan:
        """The same, to be taken up again."""
        return RunPlan(
            kernels=tuple(image.name for image in self.images),
            kinds=self.kinds,
            command=self.command,
            seed=self.seed,
            workers=self.workers,
            seconds=self.seconds,
            examples=self.examples,
            boot_args=self.boot_args,
            against=self.against,
            also=self.also,
            baseline=str(self.baseline or ""),
            issues=self.local,
        )


class Campaign:
    """Runs :class:`Settings` to their end.  ``notify`` gets a :class:`Progress` about once a second."""

    def __init__(
        self,
        settings: Settings,
        notify: Callable[[Progress], None],
        earlier: RunState | None = None,
        baseline: RunDirectory | None = None,
        say: Callable[[str], None] = lambda words: None,
        crew: AnyCrew | None = None,
    ) -> None:
        """``earlier``: where an earlier sitting of the same run ended; ``baseline`` is what
        ``settings.baseline`` names; ``say`` is told what is done once nobody looks for more; ``crew`` works
        (processes of this machine, where none is given)."""
        self.settings = settings
        self.say = say
        self.notify = notify
        self.earlier = earlier
        self.baseline = baseline
        self.store = Store(settings.directory)
        self.provenance = provenance(settings.seed, settings.command)
        self.started = earlier.started if earlier else now()
        self.standing = CampaignStanding(image.name for image in settings.images)
        posts = posts_of(settings.images, settings.workers, settings.seconds, settings.examples)
        self.rota = Rota(posts, settings.workers)
        if earlier is not None:
            earlier.restore(self.standing, posts)
        self.crew: AnyCrew = Crew() if crew is None else crew
        self.report_failures: tuple[str, ...] = ()
        """Reports that could not be written, and why."""
        self.unseen: tuple[UnseenIssue, ...] = ()
        self.unwritten: list[Event] = []
        """What a full disk did not take."""
        self.show_unwritten = True
        """Whether that goes to standard error whole in the end: not where anyone may read it."""
        self._saved = self._shown = time.monotonic()

    def create(self) -> None:
        """Make the directory, before anything is announced.  Raises :class:`InputError` when that is not
        possible."""
        if self.earlier is not None:
            self.store.reopen()
        else:
            self.store.create()
        # So that what a kill leaves can be read from the first finding on.
        self._save()
        if self.standing.unwritten:
            raise InputError(self.standing.unwritten)

    def run(self) -> RunSummary:
        """Until every worker is done, after :meth:`create`.  KeyboardInterrupt ends it early, with its
        report."""
        try:
            self._work()
        except KeyboardInterrupt:
            self._end_early()
        finally:
            for member in list(self.crew.members):
                self._dismiss(member)
        self.standing.stop_clock()
        return self._conclude()

    def handle(self, event: Event, sender: AnyMember | None = None) -> None:
        """Hand an event to all that want to know: of findings also to the other workers."""
        self._keep(event)
        self.standing.handle(event)
        match event:
            case FindingMade():
                self.crew.tell(FindingStored(event.finding.id), but=sender)
            case FindingMerged():
                still = self.store.findings().get(event.finding.id)
                if still is None:
                    self.crew.tell(FindingWithdrawn(event.finding.id), but=sender)
                else:
                    self.standing.handle(FindingMade(still))
            case Standing() if sender is not None:
                post = sender.post
                post.spent += event.seconds
                post.programs, post.objects = event.programs, event.objects

    def _keep(self, event: Event) -> None:
        """Store an event; what the disk does not take is kept here, and ends the run."""
        try:
            self.store.handle(event)
        except OSError as error:
            self.unwritten.append(event)
            self.standing.unwritten = f"{self.settings.directory}: {error.strerror}"
            self.crew.tell(Stop())
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            self.standing.errors.append(trace)
            with suppress(OSError):
                self.store.note_error(f"storing a {type(event).__name__}: {trace}")

    def summary(self, *, finished: bool) -> RunSummary:
        """The run so far."""
        because = self.standing.why_incomplete if finished else "still running"
        return summarise(
            self.settings.kinds,
            self.standing,
            self.store.findings(),
            self.provenance,
            self.started,
            because,
            self.settings.boot_args,
        )

    def _work(self) -> None:
        """Until nobody works any more."""
        self._man_posts()
        while self.crew.members:
            for member, event in self.crew.events(0.5):
                self.handle(event, member)
            for member in list(self.crew.members):
                if not member.is_open or member.is_late:
                    self._dismiss(member)
            self._man_posts()
            self._look_after()

    def _man_posts(self) -> None:
        while not self.standing.unwritten and (post := self.rota.next()) is not None:
            self.crew.start(self._assignment(post), post)

    def _assignment(self, post: Post) -> Assignment:
        settings, findings = self.settings, self.store.findings().values()
        families = Counter(each.bug.family for each in findings if each.bug and each.status is Status.NEW)
        return Assignment(
            post.image,
            settings.boot_args,
            settings.kinds,
            settings.seed,
            post.worker,
            self.rota.turn(post),
            post.examples,
            others_like(post.image, settings.against),
            self.provenance,
            (*self._baseline_issues(post.image), *settings.local, *known.load()),
            post.programs,
            post.objects,
            post.worker == 0 and self.standing.kernels[post.image.name].offer is None,
            frozenset(each.id for each in findings),
            dict(families),
        )

    @property
    def kernels(self) -> tuple[KernelIdentity, ...]:
        """The kernels under test."""
        return tuple(KernelIdentity(image.name, self.settings.boot_args) for image in self.settings.images)

    def _baseline_issues(self, image: Image) -> tuple[KnownIssue, ...]:
        if self.baseline is None:
            return ()
        return issues_of(self.baseline, KernelIdentity(image.name, self.settings.boot_args), self.kernels)

    def _dismiss(self, member: AnyMember) -> None:
        """End a worker; its post is left, and closed where nobody should take it up."""
        for event in self.crew.dismiss(member):
            self.handle(event, member)
        post, ended = member.post, member.ended
        self.rota.leave(post)
        if ended is None or (not ended.error and (post.seconds is None or member.begun is None)):
            post.is_closed = True
        elif ended.error:
            post.crashes += 1
            post.programs += SKIPPED
            post.is_closed = ended.is_usage or member.begun is None or post.crashes >= CRASHES
        if ended is not None and ended.late and member.task.seconds is not None:
            # It had its turn, whatever it told of it.
            post.spent = max(post.spent, member.spent_before + member.task.seconds)

    def _look_after(self) -> None:
        clock = time.monotonic()
        if clock - self._shown > 1.0:
            self._shown = clock
            self.notify(self.standing.progress(self.rota.seconds_left))
        if clock - self._saved > SAVE_SECONDS:
            self._saved = clock
            self._save()

    def _save(self, summary: RunSummary | None = None) -> None:
        try:
            now_at = state.state_of(self.settings.plan, self.started, self.standing, self.rota.posts)
            self.store.save_state(msgspec.json.encode(now_at))
            self.store.save_summary(summary or self.summary(finished=False))
        except OSError as error:
            self.standing.unwritten = f"{self.settings.directory}: {error.strerror}"
            self.crew.tell(Stop())

    def _end_early(self) -> None:
        self.standing.interrupted = True
        self.crew.tell(Stop())
        until = time.monotonic() + INTERRUPTED_SECONDS
        with suppress(KeyboardInterrupt):
            while self.crew.members and time.monotonic() < until:
                for member, event in self.crew.events(0.2):
                    self.handle(event, member)
                for member in list(self.crew.members):
                    if not member.is_open:
                        self._dismiss(member)

    def _conclude(self) -> RunSummary:
        standing = self.standing
        if not standing.has_begun and not standing.interrupted:
            if standing.usage_errors:
                raise InputError(standing.usage_errors[0])
            if standing.errors:
                raise InfrastructureError(standing.errors[0])
        self._write_what_is_left()
        if not standing.interrupted and not standing.unwritten:
            try:
                self._epilogue()
            except KeyboardInterrupt:
                standing.interrupted = True
        summary = msgspec.structs.replace(self.summary(finished=True), unseen_issues=self.unseen)
        self._save(summary)
        self.report_failures = write_reports(self.settings.directory).failures
        return summary

    def _epilogue(self) -> None:
        settings = self.settings
        with Replayer(settings.against) as replayer:
            last = Epilogue(replayer, self.say)
            kernels = (*self.kernels, *(KernelIdentity(name) for name in settings.also))
            for finding in last.ask_everywhere(self._new(), tuple(dict.fromkeys(kernels))):
                self.handle(FindingMade(finding))
            if self.baseline is not None:
                for finding in list(last.known_by(self.baseline, self._new(), self.kernels)):
                    self.handle(FindingMade(finding))
            releases = [(each, self.standing.kernels[each.name].release) for each in self.kernels]
            found = tuple(self.store.findings().values())
            self.unseen = tuple(last.unseen(settings.local, found, releases))

    def _new(self) -> list[Finding]:
        return [finding for finding in self.store.findings().values() if finding.status is Status.NEW]

    def _write_what_is_left(self) -> None:
        """Once more what the disk did not take; what it still does not goes to standard error, whole."""
        left, self.unwritten = self.unwritten, []
        for event in left:
            self._keep(event)
        for event in self.unwritten:
            shown = msgspec.json.encode(event).decode() if self.show_unwritten else type(event).__name__
            print(f"veridiff: not written: {shown}", file=sys.stderr)
