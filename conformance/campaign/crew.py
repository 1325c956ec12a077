"""The crew: the worker processes of a campaign, and the lines to them."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from conformance.campaign.assignment import Assignment
from conformance.campaign.events import Event, Order, Standing, WorkerEnded
from conformance.campaign.rota import Post
from conformance.campaign.worker import main

GRACE_SECONDS = 45.0
"""How long a worker may take to finish what it is at, beyond its time."""
ENDING_SECONDS = 5.0
"""How long it may take to end, after it said that it does."""


@dataclass(slots=True)
class CrewMember:
    """A worker's process, and our end of the line to it."""

    task: Assignment
    post: Post
    process: BaseProcess
    connection: Connection
    is_open: bool = True
    ended: WorkerEnded | None = None
    """Its last event."""
    begun: float | None = None
    """When it had judged something."""
    spent_before: float = 0.0
    """Seconds that others spent on its post."""

    def tell(self, order: Order) -> None:
        """To a worker that is gone there is nothing to tell."""
        with suppress(OSError):
            self.connection.send(order)

    def take(self) -> Event | None:
        """The next event of a line that has one; None where it has ended."""
        try:
            event: Event = self.connection.recv()
        except (EOFError, OSError):
            self.is_open = False
            return None
        if isinstance(event, WorkerEnded):
            self.ended = event
        elif self.begun is None and isinstance(event, Standing) and event.tally.work:
            self.begun = time.monotonic()
        return event

    @property
    def is_late(self) -> bool:
        """Whether it had its time and did not end: a lost virtual machine or a long pursuit kept it."""
        return is_over(self.task, self.begun)


def is_over(task: Assignment, begun: float | None) -> bool:
    """Whether a task that began to judge at ``begun`` (monotonic clock; None: not yet) has had its time
    and :data:`GRACE_SECONDS` more."""
    seconds = task.seconds
    return begun is not None and seconds is not None and time.monotonic() > begun + seconds + GRACE_SECONDS


class Crew:
    """``members`` are at work."""

    def __init__(self) -> None:
        self.members: list[CrewMember] = []

    def start(self, task: Assignment, post: Post) -> None:
        """Start a worker."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        name = f"worker {task.worker} on {task.image.name}"
        process = context.Process(target=main, args=(task, theirs, os.getpid()), name=name)
        process.start()
        theirs.close()
        self.members.append(CrewMember(task, post, process, ours, spent_before=post.spent))

    def tell(self, order: Order, but: CrewMember | None = None) -> None:
        """An order to all, but for one."""
        for member in self.members:
            if member is not but:
                member.tell(order)

    def events(self, seconds: float) -> Iterator[tuple[CrewMember, Event]]:
        """What has been told, or is within that time."""
        lines = {member.connection: member for member in self.members if member.is_open}
        for connection in wait(list(lines), timeout=seconds):
            assert isinstance(connection, Connection)
            if (event := lines[connection].take()) is not None:
                yield lines[connection], event

    def dismiss(self, member: CrewMember) -> Iterator[Event]:
        """End a worker, and its virtual machine with it: what it told before, and how it ended."""
        if member.ended is not None or not member.is_open:  # whose line has ended is ending too
            member.process.join(ENDING_SECONDS)
        late = member.process.is_alive()
        if late:
            member.process.kill()
        member.process.join()
        while member.is_open and member.connection.poll():
            if (event := member.take()) is not None:
                yield event
        if member.ended is None:
            error = "" if late else f"{member.process.name} ended with status {member.process.exitcode}"
            member.ended = WorkerEnded(member.task.worker, member.task.image.name, error, late=late)
            yield member.ended
        member.connection.close()
        self.members.remove(member)


class AnyMember(Protocol):
    """An assignment that somebody works on."""

    task: Assignment
    post: Post
    is_open: bool
    ended: WorkerEnded | None
    begun: float | None
    spent_before: float

    @property
    def is_late(self) -> bool:
        """Whether it had its time and did not end."""


class AnyCrew(Protocol):
    """Who works: processes of this machine, or of a cluster."""

    members: list[Any]

    def start(self, task: Assignment, post: Post) -> None:
        """Have somebody work on an assignment."""

    def tell(self, order: Order, but: Any = None) -> None:
        """An order to all, but for one."""

    def events(self, seconds: float) -> Iterator[tuple[Any, Event]]:
        """What has been told, or is within that time."""

    def dismiss(self, member: Any) -> Iterator[Event]:
        """End the work on an assignment."""
