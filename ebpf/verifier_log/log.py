"""A parsed log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from ebpf.verifier_log.claims import ClaimedState
from ebpf.verifier_log.dialect import LogDialect, detect
from ebpf.verifier_log.events import Alarm, Cut, Event, FailureReport, RefusalLine, Stats, Unknown
from ebpf.verifier_log.reader import LogReader
from ebpf.verifier_log.states import parse_state

_Kind = TypeVar("_Kind", bound=Event)


@dataclass(frozen=True, slots=True)
class Log:
    """Every line of a log as an event (blank ones only counted).  ``stats`` is None when the log does not
    reach its end."""

    dialect: LogDialect
    events: tuple[Event, ...]
    stats: Stats | None
    blank_lines: int = 0
    truncated: bool = field(default=False)
    """Lines are missing, at either end or within."""

    def read(self, state: str) -> ClaimedState:
        """The claims in an event's state text."""
        return parse_state(state, self.dialect)

    def of(self, kind: type[_Kind]) -> Iterator[_Kind]:
        """The events of one kind, in order."""
        return (event for event in self.events if isinstance(event, kind))

    @property
    def messages(self) -> tuple[str, ...]:
        """The refusal, line by line; empty for an accepted program."""
        return tuple(event.text for event in self.of(RefusalLine))

    @property
    def alarms(self) -> tuple[str, ...]:
        """Where the kernel calls its own verifier wrong."""
        return tuple(event.text for event in self.of(Alarm))

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """Lines not understood."""
        return tuple(self.of(Unknown))

    @property
    def report(self) -> FailureReport | None:
        """7.3's classification of the refusal."""
        return next(self.of(FailureReport), None)

    @property
    def whole(self) -> bool:
        """Whether the walk is shown from its start to its end: nothing missing, refused or not understood."""
        gaps = RefusalLine | Unknown | Cut
        return (
            self.stats is not None
            and not self.truncated
            and not any(isinstance(event, gaps) for event in self.events)
        )


def parse_log(text: str, *, truncated: bool = False, dialect: LogDialect | None = None) -> Log:
    """Parse a verifier log of level 1 or 2.  ``truncated``: the loader knows that its buffer was too
    small."""
    reader = LogReader(text)
    reader.read()
    stats = reader.tail.stats()
    events = tuple(reader.events)
    cut = truncated or stats is None or any(isinstance(event, Cut) for event in events)
    return Log(dialect or detect(text), events, stats, reader.blank, cut)
