"""Mutation testing of the oracles: ``python -m tests.quality.mutants --sample 100 --seed S [--minutes M]
[--processes P]``.

Each mutant is one small change to a file of one of the oracles' folders, made in a copy of the tree; tests that pass all the same have a gap, or the change means the same, which
:mod:`tests.quality.explained` then says.  Exit status 1 when fewer than nine in ten are killed, or a survivor
is not explained.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import queue
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.quality.explained import EXPLAINED
from tests.quality.runner import Fate, Scratch, Stage
from tests.quality.sites import Mutant, mutants, signatures

ROOT = Path(__file__).resolve().parents[2]
REFERENCE, INTERPRETER, TERMS = "oracles/reference", "oracles/interpreter", "oracles/terms"
TESTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    REFERENCE: (
        ("tests/oracles/reference/test_parts.py", "tests/oracles/reference/test_rows.py"),
        ("tests/oracles/reference", "tests/oracles/terms")),
    TERMS: (("tests/oracles/reference/test_parts.py", "tests/oracles/terms"), ("tests/oracles",)),
    INTERPRETER: (("tests/contract/test_interpreter.py", "tests/oracles/interpreter"),
                  ("tests/oracles/reference",)),
}  # fmt: skip
"""Per folder: the tests that kill most in the least time, and the rest that the folder's files can fail."""


def enumerate_all(root: Path, folders: tuple[str, ...]) -> list[Mutant]:
    """Every mutant of every file in ``folders``, in order."""
    files = [path for folder in folders for path in sorted((root / folder).glob("*.py"))]
    sources = {str(path.relative_to(root)): path.read_text() for path in files}
    parameters = signatures([ast.parse(source) for source in sources.values()])
    return [mutant for path, source in sources.items() for mutant in mutants(path, source, parameters)]


def difference(mutant: Mutant, root: Path) -> str:
    """The change as a diff without context."""
    before, after = (root / mutant.path).read_text().splitlines(), mutant.text.splitlines()
    return "\n".join(
        line
        for line in difflib.unified_diff(before, after, lineterm="", n=0)
        if line[:3] not in ("---", "+++")
    )


class Session:
    """Worker threads, each with a copy of the tree, that take mutants from one queue until it is empty or the
    time is over."""

    def __init__(self, chosen: list[Mutant], until: float) -> None:
        self.waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
        for mutant in chosen:
            self.waiting.put(mutant)
        self.until = until
        self.results: list[tuple[Mutant, Fate]] = []

    def work(self, scratch: Scratch, stages: dict[str, tuple[Stage, ...]]) -> None:
        """One worker."""
        while time.monotonic() < self.until:
            try:
                mutant = self.waiting.get_nowait()
            except queue.Empty:
                return
            fate = scratch.fate(mutant.path, mutant.text, stages[str(Path(mutant.path).parent)])
            self.results.append((mutant, fate))
            note = "  (explained)" if fate is Fate.SURVIVED and mutant.key in EXPLAINED else ""
            print(f"{fate.value:9} {mutant.path}:{mutant.number}: {mutant.mutation}{note}", flush=True)


def measured(scratch: Scratch) -> dict[str, tuple[Stage, ...]] | None:
    """The stages of each folder, with limits from how long they take on the unchanged copy; None when they
    fail there."""
    stages = {}
    for folder, sets in TESTS.items():
        times = [scratch.baseline(tests) for tests in sets]
        limits = [3 * seconds + 30 for seconds in times if seconds is not None]
        if len(limits) < len(sets):
            return None
        stages[folder] = tuple(map(Stage, sets, limits))
    return stages


def report(session: Session, seed: int) -> int:
    """Print what was found; the exit status."""
    counts = Counter(fate for _, fate in session.results)
    survivors = [mutant for mutant, fate in session.results if fate is Fate.SURVIVED]
    for mutant in survivors:
        reason = EXPLAINED.get(mutant.key, "not explained")
        print(
            f"\n{mutant.path}:{mutant.number}: {mutant.mutation}: {reason}\n{difference(mutant, ROOT)}\n   "
            f" {mutant.key!r}"
        )
    detected = counts[Fate.KILLED] + counts[Fate.TIME_OUT]
    unexplained = sum(mutant.key not in EXPLAINED for mutant in survivors)
    print(
        f"\nseed {seed}: {len(session.results)} mutants, {counts[Fate.KILLED]} killed, "
        f"{counts[Fate.TIME_OUT]} timed out, "
        f"{len(survivors)} survived, {unexplained} of them without an explanation"
    )
    return int(not session.results or 10 * detected < 9 * len(session.results) or unexplained > 0)


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.quality.mutants", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", choices=list(TESTS), action="append")
    given = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    every = enumerate_all(ROOT, tuple(given.folder or TESTS))
    chosen = random.Random(seed).sample(every, min(given.sample, len(every)))
    print(f"seed {seed}: {len(chosen)} of {len(every)} mutants", flush=True)
    session = Session(chosen, time.monotonic() + 60 * given.minutes)
    with tempfile.TemporaryDirectory(prefix="veridiff-mutants-") as place:
        first = Scratch(ROOT, Path(place, "0"))
        stages = measured(first)
        if stages is None:
            print("the tests fail on the unchanged tree", file=sys.stderr)
            return 2
        scratches = [first, *(Scratch(first.place, Path(place, str(n))) for n in range(1, given.processes))]
        workers = [threading.Thread(target=session.work, args=(scratch, stages)) for scratch in scratches]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return report(session, seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
