"""From text to events: a loop over lines, dispatched on how a line starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ebpf.verifier_log import patterns
from ebpf.verifier_log.events import (
    Alarm,
    Branch,
    CallEnter,
    CallReturn,
    Cut,
    Event,
    FailureReport,
    GlobalFunction,
    LoggedSource,
    Note,
    PrecisionLine,
    PruneLine,
    RefusalLine,
    StateLine,
    StaticDump,
    SubprogramLine,
    Unknown,
    Visit,
)
from ebpf.verifier_log.tail import Tail, read_report


class LogReader:
    """One pass over one log.  ``events`` is filled in order; ``counts`` is how many lines each kind of event
    took."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.events: list[Event] = []
        self.blank = 0
        self.tail = Tail()
        self._at = 0
        self._loose: list[tuple[int, int, str]] = []
        """Lines of no known kind: (position in events, line number, text), named once it is known what
        follows them."""
        self._reports: list[int] = []
        self._last_walk = -1
        self._torn: frozenset[int] = frozenset()
        """Indices of lines of which a part is missing."""

    def read(self) -> None:
        """Read everything."""
        lines, events = self.lines, self.events
        torn = self._torn = frozenset(self._torn_lines())
        end = len(lines)
        while self._at < end:
            line = lines[self._at]
            self._at += 1
            if not line:
                self.blank += 1
                continue
            if torn and self._at - 1 in torn:
                self._tear(line)
                continue
            first = line[0]
            if first.isdigit():
                event = self._numbered(line)
                if event is not None:
                    self._last_walk = len(events)
                    events.append(event)
                    continue
            else:
                reader = _BY_FIRST.get(first)
                if reader is not None and reader(self, line):
                    continue
                if first == " " and patterns.DUMPED.match(line):
                    events.append(StaticDump(1))
                    continue
            self._other(line)
        self._name_loose()

    def _torn_lines(self) -> Iterator[int]:
        """Lines around a cut marker, and a last line without its newline: half a number is a wrong number."""
        if "bytes cut...]]" in self.text:
            for index, line in enumerate(self.lines):
                if patterns.MARKER.search(line):
                    yield from (index - 1, index, index + 1)
        if self.lines[-1] and not self.lines[-1].startswith("processed "):
            yield len(self.lines) - 1

    def _tear(self, line: str) -> None:
        marked = patterns.MARKER.split(line, maxsplit=1)
        self.events.append(Cut(marked[0], marked[1] if len(marked) > 1 else ""))

    def _numbered(self, line: str) -> Event | None:
        visit = patterns.VISIT.match(line)
        if visit:
            return Visit(int(visit[1]), visit[2], visit[3])
        state = patterns.STATE.match(line)
        if state:
            return StateLine(int(state[1]), state[2])
        safe = patterns.SAFE.match(line)
        if safe:
            return PruneLine(None, int(safe[1]), False)
        glued = patterns.GLUED.match(line)
        if glued:
            self.events.append(Visit(int(glued[1]), glued[2], None))
            return StateLine(int(glued[3]), glued[4])
        return None

    def _from(self, line: str) -> bool:
        match = patterns.FROM.match(line)
        if match:
            source, target, speculative = int(match[1]), int(match[2]), match[3] is not None
            self._last_walk = len(self.events)
            if match[4] == " safe":
                self.events.append(PruneLine(source, target, speculative))
            else:
                self.events.append(Branch(source, target, match[4], speculative))
            return True
        return self._precision(line)

    def _precision(self, line: str) -> bool:
        if not patterns.PRECISION.match(line):
            return False
        self.events.append(PrecisionLine(line))
        return True

    def _source(self, line: str) -> bool:
        if not line.startswith("; "):
            return False
        self.events.append(LoggedSource(line[2:]))
        return True

    def _function(self, line: str) -> bool:
        match = patterns.FUNCTION.match(line)
        if match:
            self.events.append(SubprogramLine(int(match[1]), int(match[2])))
            return True
        return self._precision(line)

    def _call(self, line: str) -> bool:
        """``caller:`` / state / ``callee:`` / state."""
        block = self._block()
        if len(block) < 4 or block[0] != "caller:" or block[2] != "callee:":
            return self._note(line)
        self._walk(CallEnter(block[1], block[3]), 3)
        return True

    def _returning(self, line: str) -> bool:
        """``returning from callee:`` / state / ``to caller at N:`` / state."""
        block = self._block()
        to = (
            patterns.RETURN.match(block[2])
            if len(block) == 4 and block[0] == "returning from callee:"
            else None
        )
        if to is None:
            return self._precision(line)
        self._walk(CallReturn(block[1], int(to[1]), block[3]), 3)
        return True

    def _block(self) -> list[str]:
        """This line and the three after it; shorter where part of them is missing."""
        if not self._torn.isdisjoint(range(self._at, self._at + 3)):
            return []
        return self.lines[self._at - 1 : self._at + 3]

    def _walk(self, event: Event, more_lines: int) -> None:
        self._last_walk = len(self.events)
        self.events.append(event)
        self._at += more_lines

    def _dump(self, line: str) -> bool:
        """7.3's static analysis: everything up to the first state, which is the walk's start; without a walk,
        line by line."""
        if not patterns.DUMP.match(line):
            return self._tail(line)
        rest = self._offset_of(self._at)
        start = patterns.FIRST_STATE.search(self.text, rest)
        if self._last_walk >= 0 or start is None:
            self.events.append(StaticDump(1))
            return True
        skipped = self.text.count("\n", rest, start.start())
        torn = [index - self._at for index in self._torn if index >= self._at]
        skipped = min([skipped, *torn])
        self.events.append(StaticDump(1 + skipped))
        self._at += skipped
        return True

    def _offset_of(self, line: int) -> int:
        return sum(map(len, self.lines[:line])) + line

    def _tail(self, line: str) -> bool:
        """Statistics and the report; see :mod:`.tail`."""
        if line.startswith("Verification failed: "):
            report, used = read_report(self.lines, self._at - 1)
            self._reports.append(len(self.events))
            self.events.append(report)
            self._at += used - 1
            return True
        return self.tail.take(line)

    def _global(self, line: str) -> bool:
        match = patterns.GLOBAL.match(line)
        if not match:
            return self._tail(line)
        if match[3]:
            self._walk(GlobalFunction("validating", int(match[3]), line), 0)
        else:
            what = "assumed" if match[2].startswith("global") else "safe"
            self._walk(GlobalFunction(what, int(match[1]), line), 0)
        return True

    def _note(self, line: str) -> bool:
        if not patterns.NOTE.match(line):
            return False
        self.events.append(Note(line))
        return True

    def _other(self, line: str) -> None:
        if patterns.ALARM.search(line):
            self.events.append(Alarm(line))
        else:
            self._loose.append((len(self.events), self._at, line))
            self.events.append(Unknown(self._at, line))

    def _name_loose(self) -> None:
        """A line of no known kind is a refusal when nothing is walked after it, and else honestly unknown.

        Two exceptions: known remarks, and what stops only a speculative path (7.3 puts a fence there and
        walks on).
        """
        for position, number, text in self._loose:
            if position > self._last_walk:
                self.events[position] = RefusalLine(text)
            elif number == 1 and not any(isinstance(event, SubprogramLine) for event in self.events):
                self.events[position] = Cut("", text)  # a log buffer too small keeps the end (since 6.4)
            elif patterns.REMARK.match(text) or self._speculative_at(position):
                self.events[position] = Note(text)
        for position in self._reports:
            if position < self._last_walk and self._speculative_at(position):
                report = self.events[position]
                assert isinstance(report, FailureReport)
                self.events[position] = Note(f"Verification failed: {report.category}: {report.problem}")

    def _speculative_at(self, position: int) -> bool:
        """Whether the branch being walked at this event is a speculative one."""
        for event in reversed(self.events[:position]):
            if isinstance(event, Branch):
                return event.speculative
        return False


_BY_FIRST: dict[str, Callable[[LogReader, str], bool]] = {
    "f": lambda reader, line: reader._from(line) if line.startswith("from ") else reader._function(line),
    "m": LogReader._precision,
    "l": LogReader._precision,
    "r": LogReader._returning,
    "p": lambda reader, line: reader._precision(line) or reader._tail(line),
    ";": LogReader._source,
    "c": LogReader._call,
    "o": LogReader._note,
    "h": LogReader._note,
    "S": LogReader._note,
    "t": LogReader._dump,
    "s": LogReader._dump,
    "L": LogReader._dump,
    "a": LogReader._dump,
    "F": LogReader._global,
    "V": LogReader._global,
    "v": LogReader._tail,
}
