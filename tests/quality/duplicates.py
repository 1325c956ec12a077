"""Whether one bug has one signature, and two bugs have two:
``python -m tests.quality.duplicates DIRECTORY --out FILE [--bugs 3,38] [--programs 10] [--minutes 6]``.

``DIRECTORY`` is that of :mod:`tests.quality.bugbench`.  On the kernel with each bug, programs are drawn until so
many show it by a fitting kind of finding, and each is reduced as if nothing had been found before.  Of every two
programs that show a bug by the same kind, the signatures are compared; and those of different bugs.  Every bug
is a line of ``FILE``, so that a call that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from conformance.campaign import known
from conformance.campaign.assignment import Assignment
from conformance.campaign.events import Event, Order, Stop
from conformance.campaign.pursuit import SHRINK_SECONDS, Pursuit
from conformance.campaign.versions import provenance
from conformance.campaign.worker import Worker
from conformance.kernel.images import fetch
from conformance.properties.registry import PROPERTIES
from tests.quality.bugbench import Planted, planted


@dataclass(frozen=True, slots=True)
class Shown:
    """A program that shows a bug: by which kind, with which signature once it was reduced, and its slots."""

    kind: str
    signature: str
    slots: int


class Silence:
    """A channel that nobody listens at, and that says when to stop."""

    def __init__(self) -> None:
        self.is_over = False

    def send(self, event: Event) -> None:
        """Told to nobody."""

    def orders(self) -> list[Order]:
        """To stop, once it is over."""
        return [Stop()] if self.is_over else []


class Collecting(Pursuit):
    """Reduces every disagreement of a fitting kind anew."""

    def __init__(self, worker: Worker, wanted: frozenset[str], programs: int, channel: Silence) -> None:
        super().__init__(worker.assignment, worker.assignment.provenance, channel)
        self.wanted, self.programs, self.silence = wanted, programs, channel
        self.shown: list[Shown] = []

    def pursue(self, subject: Any, sighting: Any) -> None:
        """Confirm, reduce, keep the signature; kinds that have enough are left alone."""
        kind = sighting.disagreement.kind
        counted = Counter(each.kind for each in self.shown)
        if kind not in self.wanted or counted[kind] >= self.programs or not subject.confirm(sighting).times:
            return
        final = subject.reduce(sighting, SHRINK_SECONDS, lambda signature: False)
        slots = len(final.observation.case.program.instructions)
        self.shown.append(Shown(kind, str(final.disagreement.signature), slots))
        counted[kind] += 1
        self.silence.is_over = max(counted.values()) >= self.programs


class Collector(Worker):
    """A worker whose pursuit collects."""

    def __init__(self, assignment: Assignment, wanted: frozenset[str], programs: int) -> None:
        self.silence = Silence()
        super().__init__(assignment, self.silence)
        self.wanted, self.programs = wanted, programs

    def _begin(self, session: Any) -> None:
        super()._begin(session)
        self.pursuit = self.collecting = Collecting(self, self.wanted, self.programs, self.silence)


def collect(bug: Planted, directory: Path, programs: int, minutes: float) -> list[Shown]:
    """The programs that show a bug, found within that time."""
    image = fetch(str(directory / "bzImage-bugs"))
    kinds = tuple(row.kind for row in PROPERTIES.values() if row.judge is not None)
    seed = int(time.time())
    assignment = Assignment(
        image,
        (f"bugbench={bug.number}",),
        kinds,
        seed,
        0,
        60 * minutes,
        None,
        (str(directory / "bzImage-clean"),),
        provenance(seed, "tests.quality.duplicates"),
        known.load(),
    )
    worker = Collector(assignment, bug.kinds, programs)
    worker.work()
    return worker.collecting.shown


def pairs(shown: list[Shown]) -> tuple[int, int]:
    """(pairs of one kind with one signature, all pairs of one kind)."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for each in shown:
        by_kind[each.kind].append(each.signature)
    same = [a == b for signatures in by_kind.values() for a, b in combinations(signatures, 2)]
    return sum(same), len(same)


def shared(bugs: dict[int, list[Shown]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Signatures that more than one bug has, with the bugs."""
    having: dict[str, set[int]] = defaultdict(set)
    for number, shown in bugs.items():
        for each in shown:
            having[each.signature].add(number)
    return ((signature, tuple(sorted(numbers))) for signature, numbers in having.items() if len(numbers) > 1)


def table(names: dict[int, str], bugs: dict[int, list[Shown]]) -> Iterator[str]:
    """As docs have it."""
    yield "| bug | programs | pairs with one signature | signatures |"
    yield "|---|--:|--:|---|"
    total = [0, 0]
    for number, shown in sorted(bugs.items()):
        same, every = pairs(shown)
        total = [total[0] + same, total[1] + every]
        counted = Counter(each.signature for each in shown).most_common()
        listed = ", ".join(f"`{signature}` {times}" for signature, times in counted)
        yield f"| {number} {names[number]} | {len(shown)} | {same} of {every} | {listed} |"
    share = f" ({100 * total[0] / total[1]:.1f} %)" if total[1] else ""
    yield f"\n{total[0]} of {total[1]} pairs{share}."
    for signature, numbers in shared(bugs):
        yield f"`{signature}` is that of bugs {', '.join(map(str, numbers))}."


def main() -> int:
    """Collect what has no line yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bugs", default="", help="numbers, comma-separated; default: all")
    parser.add_argument("--programs", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=6)
    options = parser.parse_args()
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    bugs = {row["number"]: [Shown(**each) for each in row["shown"]] for row in map(json.loads, lines)}
    wanted = {int(number) for number in options.bugs.split(",") if number}
    every = planted(options.directory)
    for bug in every:
        if bug.number in bugs or (wanted and bug.number not in wanted):
            continue
        bugs[bug.number] = collect(bug, options.directory, options.programs, options.minutes)
        with options.out.open("a") as file:
            shown = [asdict(each) for each in bugs[bug.number]]
            file.write(json.dumps({"number": bug.number, "shown": shown}) + "\n")
    print(*table({bug.number: bug.name for bug in every}, bugs), sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
