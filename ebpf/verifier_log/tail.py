"""The end of a log: statistics, and 7.3's report on a refusal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ebpf.verifier_log.events import FailureReport, Stats, Subprogram

_TIME = re.compile(r"verification time (\d+) usec\Z")
_DEPTH = re.compile(r"stack depth (?:max )?(\d+(?:\+\d+)*)(?: max \d+)?\Z")
_PROCESSED = re.compile(
    r"processed (\d+) insns \(limit (\d+)\) max_states_per_insn (\d+) total_states (\d+) peak_states (\d+) "
    r"mark_read (\d+)\Z"
)
_SUBPROGRAM = re.compile(r"subprog (\d+) \((.*)\) (\w+) insns_self (\d+) insns_total (\d+) stack (\d+)\Z")
_FAILED = re.compile(r"Verification failed: ([^:]*)(?:: (.*))?\Z")
_TITLE = re.compile(r"[A-Z][\w ]*:\Z")


class Tail:
    """Gathers the lines of the statistics as they come."""

    def __init__(self) -> None:
        self._microseconds: int | None = None
        self._depth: tuple[int, ...] = ()
        self._subprograms: list[Subprogram] = []
        self._processed: tuple[int, ...] | None = None
        self.lines = 0

    def take(self, line: str) -> bool:
        """Whether the line was part of the statistics."""
        taken = self._take(line)
        self.lines += taken
        return taken

    def _take(self, line: str) -> bool:
        match = _PROCESSED.match(line)
        if match:
            self._processed = tuple(map(int, match.groups()))
            return True
        match = _TIME.match(line)
        if match:
            self._microseconds = int(match[1])
            return True
        match = _DEPTH.match(line)
        if match:
            self._depth = tuple(map(int, match[1].split("+")))
            return True
        match = _SUBPROGRAM.match(line)
        if match:
            self._subprograms.append(
                Subprogram(int(match[1]), match[2], match[3], int(match[4]), int(match[5]), int(match[6]))
            )
            return True
        return False

    def stats(self) -> Stats | None:
        """The statistics; None when the ``processed`` line is missing, which every finished log has."""
        if self._processed is None:
            return None
        processed, limit, most, total, peak, mark_read = self._processed
        return Stats(
            processed,
            limit,
            most,
            total,
            peak,
            mark_read,
            self._microseconds,
            self._depth,
            tuple(self._subprograms),
        )


def read_report(lines: Sequence[str], at: int) -> tuple[FailureReport, int]:
    """The report that starts at line ``at``, and how many lines it takes.

    Its sections are titles in the first column with indented or blank lines below; the first other line is
    not part of it.
    """
    failed = _FAILED.match(lines[at])
    category, problem = (failed[1], failed[2] or "") if failed else (lines[at], "")
    sections: list[tuple[str, list[str]]] = []
    end = at + 1
    while end < len(lines):
        line = lines[end]
        if _TITLE.match(line):
            sections.append((line[:-1], []))
        elif line and not line.startswith(" "):
            break
        elif line and sections:
            sections[-1][1].append(line)
        elif line:
            break
        end += 1
    while end > at + 1 and not lines[end - 1]:
        end -= 1
    return FailureReport(
        category, problem, tuple((title, "\n".join(body)) for title, body in sections)
    ), end - at
