"""How soon a run finds each planted bug: ``python -m tests.quality.bugbench DIRECTORY --out OUT [--minutes 5]
[--bugs 3,38] [--workers 1] [--property metamorphic]``.

``DIRECTORY`` holds ``bugs.json``, ``bzImage-bugs`` and ``bzImage-clean`` (its README says what they are).  One
``veridiff run`` per bug knows nothing but the kernel; the first new finding of a kind that fits ends it, and
counts where a replay on ``bzImage-clean`` does not show it.  With ``--property`` only that is asked, and
fits.  Every bug is a line of ``OUT/results.jsonl``, so that a run that was stopped goes on where it was; exit status 1 when a
bug was not found.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

POLL = 0.5
"""Seconds between two looks at a run's findings."""
REPLAY = 300
"""Seconds for seeing whether the kernel without bugs shows a finding too."""
GRACE = 90
"""Seconds that a run has for its report after it was told to end."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug of the kernel: its number, its name, and the kinds of finding that would be a fitting way to find
    it."""

    number: int
    name: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Result:
    """``seconds`` from the run's start to the finding; ``kind`` empty where none came, ``other`` the kinds of
    what came instead."""

    number: int
    name: str
    kind: str
    seconds: float
    programs: int
    instructions: int
    signature: str
    other: tuple[str, ...]


def planted(directory: Path) -> list[Planted]:
    """The bugs that ``bugs.json`` lists."""
    return [
        Planted(bug["n"], bug["id"], frozenset(bug["kinds"]))
        for bug in json.loads((directory / "bugs.json").read_text())
    ]


def findings(out: Path) -> Iterator[dict[str, Any]]:
    """The new findings that the run's directory holds so far, as their last lines have them, without those
    that turned out to be others; a line that is half written ends them."""
    path = out / "findings.jsonl"
    latest: dict[str, dict[str, Any]] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except ValueError:
            break
        latest[record["id"]] = record
    for record in latest.values():
        if record.get("status", "new") == "new" and not record.get("same_as"):
            yield record


def hunt(
    bug: Planted, directory: Path, out: Path, minutes: float, settle: float, options: Sequence[str] = ()
) -> Result:
    """Run with these ``options`` against the kernel with the bug until a fitting finding comes, and
    ``settle`` seconds longer for it to be shrunk; or until the time is over."""
    command = [sys.executable, "-m", "conformance.cli", "run", *options]
    command += ["--kernel", str(directory / "bzImage-bugs"), "--boot-arg", f"bugbench={bug.number}"]
    command += ["--against", str(directory / "bzImage-clean"), "--minutes", str(minutes), "--out", str(out)]
    started = time.monotonic()
    with (out.parent / f"{out.name}.log").open("wb") as log:
        run = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        found: dict[str, Any] | None = None
        while found is None and run.poll() is None:
            time.sleep(POLL)
            found = next((record for record in findings(out) if record["kind"] in bug.kinds), None)
        seconds = time.monotonic() - started
        if found is not None:
            time.sleep(settle)
        if run.poll() is None:
            run.send_signal(signal.SIGTERM)
        run.wait(GRACE)
    records = list(findings(out))
    found = next((record for record in reversed(records) if record["kind"] in bug.kinds), None)
    other = tuple(sorted({str(record["kind"]) for record in records if record["kind"] not in bug.kinds}))
    kind, signature = (str(found["kind"]), str(found["signature"])) if found else ("", "")
    size = _instructions(found) if found else 0
    if found is not None and not _is_gone_on(directory / "bzImage-clean", out / "findings" / found["id"]):
        kind, signature, other = "", "", (*other, f"on the clean kernel too: {signature}")
    return Result(bug.number, bug.name, kind, round(seconds, 1), _programs(out), size, signature, other)


def _is_gone_on(kernel: Path, finding: Path) -> bool:
    """Whether a replay says that the finding does not show there."""
    command = [sys.executable, "-m", "conformance.cli", "replay", str(finding)]
    command += ["--kernel", str(kernel), "--against", str(kernel)]
    with (finding.parent / f"{finding.name}.replay.log").open("wb") as log:
        try:
            done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=REPLAY, check=False)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0


def _instructions(record: dict[str, Any]) -> int:
    """How many slots the finding's program has, shrunk as far as the time allowed."""
    case = record.get("case")
    return len(case["program"]["instructions"]) // 16 if isinstance(case, dict) else 0


def _programs(out: Path) -> int:
    try:
        summary = json.loads((out / "run.json").read_text())
    except (OSError, ValueError):
        return 0
    return int(summary["programs"]["judged"])


def table(results: list[Result]) -> Iterator[str]:
    """A line per bug, and the sum."""
    for r in sorted(results, key=lambda r: r.number):
        what = r.signature or ("not found" + (f" (but: {', '.join(r.other)})" if r.other else ""))
        yield f"{r.number:4} {r.name:26} {r.seconds:7.1f} s {r.programs:7} programs {r.instructions:4} insns  {what}"
    times = [r.seconds for r in results if r.kind]
    median = f", median {statistics.median(times):.1f} s" if times else ""
    yield f"found {len(times)} of {len(results)}{median}"


def main() -> int:
    """Hunt the bugs that have no result yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--settle", type=float, default=10, help="seconds for shrinking what was found")
    parser.add_argument("--bugs", default="", help="numbers, comma-separated, in that order; default: all")
    parser.add_argument("--workers", help="of each run; default: as many as CPUs")
    parser.add_argument("--property", action="append", default=[], help="ask this alone; default: all")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "results.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    results = [Result(**{**json.loads(line), "other": tuple(json.loads(line)["other"])}) for line in lines]
    bugs = {bug.number: bug for bug in planted(options.directory)}
    wanted = [int(number) for number in options.bugs.split(",") if number] or list(bugs)
    asked = [word for kind in options.property for word in ("--property", kind)]
    asked += ["--workers", options.workers] if options.workers else []
    for number in wanted:
        if number in {r.number for r in results}:
            continue
        bug = bugs[number]
        if options.property:
            bug = replace(bug, kinds=frozenset(options.property))
        out = options.out / f"bug{bug.number}"
        result = hunt(bug, options.directory, out, options.minutes, options.settle, asked)
        results.append(result)
        with kept.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
        print(next(table([result])), flush=True)
    print(*table(results), sep="\n")
    return 0 if all(r.kind for r in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
