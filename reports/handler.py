"""The engine yields events; every report is a handler of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from reports.records import Event, RunEnded
from reports.write import write_reports


class Handler(Protocol):
    """Something that wants to know how a run goes."""

    def handle(self, event: Event) -> None:
        """Takes one event.  The last is a :class:`RunEnded`."""


def dispatch(event: Event, handlers: Iterable[Handler]) -> None:
    """Hands an event to each handler in turn."""
    for handler in handlers:
        handler.handle(event)


class WriteReports:
    """Writes every report of a run's directory when the run has ended.  ``written`` are the files then."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.written: list[Path] = []

    def handle(self, event: Event) -> None:
        """Waits for the end; run.json must be in the directory by then."""
        if isinstance(event, RunEnded):
            self.written = write_reports(self.directory)
