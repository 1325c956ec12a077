"""A crew on the machines of a Dask cluster: assignments go out as tasks, events come home by the scheduler.

A task whose worker is lost runs again elsewhere, from its beginning: its findings merge by their ids, and of
its counts only those of the attempt that ends are taken.
"""

from __future__ import annotations

import pickle
import queue
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from distributed import Client, Future, get_worker

from conformance.campaign.assignment import Assignment
from conformance.campaign.crew import is_over
from conformance.campaign.events import Event, Order, Standing, Stop, WorkerEnded
from conformance.campaign.rota import TURN_SECONDS, Post
from conformance.campaign.worker import Worker
from conformance.kernel.images import fetch
from conformance.kernel.session import KernelSession
from ebpf.errors import InfrastructureError

SLICE = 2_000
"""Programs of a task at most, where programs are counted and not time: what is lost with a worker."""
CONNECT_SECONDS = 10.0
LINGER_SECONDS = 15.0
"""How long the last events of a task may take, once the scheduler says that it is over."""


class SchedulerChannel:
    """The worker's end: events go to a topic of the scheduler, with who sends them."""

    def __init__(self, topic: str, member: int) -> None:
        self.topic = topic
        self.member = member
        self.attempt = uuid.uuid4().hex
        """Another one when the task is run again."""
        self._worker: Any = get_worker()
        self._key = self._worker.get_current_task()

    def send(self, event: Event) -> None:
        """Tell an event."""
        self._worker.log_event(self.topic, (self.member, self.attempt, pickle.dumps(event)))

    def orders(self) -> list[Order]:
        """To stop, once whoever wanted the task does not want it any more, or is gone.  What others found is
        told with the next task."""
        task = self._worker.state.tasks.get(self._key)
        return [Stop()] if task is None or task.state == "cancelled" else []


def prepare(task: Assignment) -> tuple[Assignment, Callable[..., KernelSession]]:
    """The assignment with the kernel's image as this machine has it: fetched by its name, or at the same
    path."""
    return replace(task, image=fetch(task.image.name)), KernelSession.open


def work(task: Assignment, topic: str, member: int) -> None:
    """The task, on a worker with one thread; every way it can end is told, but for the loss of the worker."""
    channel = SchedulerChannel(topic, member)
    ended = WorkerEnded(task.worker, task.image.name)
    try:
        here, open_session = prepare(task)
        Worker(here, channel, open_session).work()
    except Exception as error:
        ended = ended.by(error)
    channel.send(ended)


@dataclass(slots=True)
class RemoteMember:
    """An assignment that is out."""

    task: Assignment
    post: Post
    future: Future[None]
    is_open: bool = True
    ended: WorkerEnded | None = None
    begun: float | None = None
    spent_before: float = 0.0
    attempt: str = ""
    counted: list[Standing] = field(default_factory=list)
    """What this attempt told of its counts, until it ends."""
    over: float | None = None
    """When the scheduler said first that the task is over."""

    @property
    def is_late(self) -> bool:
        """Whether it had its time and did not end."""
        return is_over(self.task, self.begun)

    def take(self, attempt: str, event: Event) -> Iterator[Event]:
        """What to hand on of an event: findings at once, counts when the attempt has ended."""
        if attempt != self.attempt:
            self.attempt, self.begun = attempt, None
            self.counted.clear()
        if isinstance(event, Standing):
            self.counted.append(event)
            if self.begun is None and event.tally.work:
                self.begun = time.monotonic()
            return
        if isinstance(event, WorkerEnded):
            yield from self.end(event)
        else:
            yield event

    def end(self, ended: WorkerEnded) -> Iterator[Event]:
        """Its counts, and its end."""
        self.ended, self.is_open = ended, False
        yield from self.counted
        self.counted.clear()
        yield ended


class Cluster:
    """As :class:`conformance.campaign.crew.Crew`, behind a scheduler's address."""

    def __init__(self, address: str, patience: float = CONNECT_SECONDS) -> None:
        """Raises :class:`InfrastructureError` where nobody answers for ``patience`` seconds."""
        try:
            self.client = Client(address, timeout=patience, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InfrastructureError(f"{address}: no Dask scheduler answers: {error}") from None
        self.members: list[RemoteMember] = []
        self._told: queue.Queue[tuple[int, str, bytes]] = queue.Queue()
        self._out: dict[int, RemoteMember] = {}
        self._topic = f"veridiff-{uuid.uuid4().hex}"
        self._number = 0
        self.client.subscribe_topic(self._topic, lambda told: self._told.put(told[1]))

    @property
    def size(self) -> int:
        """How many workers there are."""
        return len(self.client.nthreads())

    def start(self, task: Assignment, post: Post) -> None:
        """Send an assignment out; one that would take long only in part, as the post is manned again."""
        seconds = None if task.seconds is None else min(task.seconds, TURN_SECONDS)
        made = max(task.programs, task.objects)
        examples = None if task.examples is None else min(task.examples, made + SLICE)
        task = replace(task, seconds=seconds, examples=examples)
        self._number += 1
        name = f"veridiff-{task.image.name}-{task.worker}-{made}-{self._number}"
        future = self.client.submit(work, task, self._topic, self._number, key=name, pure=False)
        member = RemoteMember(task, post, future, spent_before=post.spent)
        self.members.append(member)
        self._out[self._number] = member

    def tell(self, order: Order, but: RemoteMember | None = None) -> None:
        """Only to stop: findings travel with the next assignment."""
        if isinstance(order, Stop):
            for member in self.members:
                if member is not but:
                    member.future.cancel()

    def events(self, seconds: float) -> Iterator[tuple[RemoteMember, Event]]:
        """What has been told, or is within that time."""
        wait = seconds
        while True:
            try:
                number, attempt, told = self._told.get(timeout=wait)
            except queue.Empty:
                break
            wait = 0.001
            member = self._out.get(number)
            if member is not None and member.is_open:
                for event in member.take(attempt, pickle.loads(told)):
                    yield member, event
        for member in [each for each in self.members if each.is_open]:
            for event in self._look_after(member):
                yield member, event

    def _look_after(self, member: RemoteMember) -> Iterator[Event]:
        """End what the scheduler says is over and was not heard of."""
        status = member.future.status
        if status in ("finished", "error", "lost", "cancelled"):
            member.over = member.over or time.monotonic()
        if status == "error":
            error = member.future.exception()
            yield from member.end(WorkerEnded(member.task.worker, member.task.image.name, f"{error}"))
        elif member.over is not None and time.monotonic() > member.over + LINGER_SECONDS:
            late = WorkerEnded(member.task.worker, member.task.image.name, late=True)
            yield from member.end(late)

    def dismiss(self, member: RemoteMember) -> Iterator[Event]:
        """Want nothing more of an assignment; where it has not ended, that is its end."""
        if member.ended is None:
            member.future.cancel()
            yield from member.end(WorkerEnded(member.task.worker, member.task.image.name, late=True))
        member.future.release()
        self.members.remove(member)
        self._out = {number: each for number, each in self._out.items() if each is not member}

    def close(self) -> None:
        """Leave the cluster."""
        self.client.close()
