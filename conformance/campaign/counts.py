"""Counts: what runs judged and whom they accused, a line per run and kernel, added up over runs.

A rate of false accusations needs the programs that accused nobody too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ebpf.errors import InputError
from reports import jsonl
from reports.records import Finding, RunSummary, Status


class RunCount(msgspec.Struct, frozen=True, kw_only=True):
    """One run on one kernel."""

    date: str
    git: str
    """The commit of veridiff, with ``+`` where something was changed on top."""
    kernel: str
    release: str
    seed: int | None
    seconds: float
    programs: int
    judged: dict[str, int]
    """How many programs or objects each property judged."""
    new: tuple[str, ...] = ()
    """The signatures of findings nobody knew of; ``known`` holds the others'."""
    known: tuple[str, ...] = ()


def counts_of(summary: RunSummary, findings: Iterable[Finding]) -> Iterator[RunCount]:
    """A run's counts, one for each of its kernels."""
    found = tuple(findings)
    for kernel in summary.kernels:
        of_kernel = [each for each in found if each.kernel == kernel.name]
        yield RunCount(
            date=summary.started,
            git=summary.git,
            kernel=kernel.name,
            release=kernel.release,
            seed=summary.seed,
            seconds=summary.seconds,
            programs=kernel.programs,
            judged={cell.kind: cell.judged for cell in summary.cells if cell.kernel == kernel.name},
            new=tuple(each.signature for each in of_kernel if each.status is Status.NEW),
            known=tuple(each.signature for each in of_kernel if each.status is Status.KNOWN),
        )


def append(path: Path, counts: Iterable[RunCount]) -> None:
    """Add lines to a file, on disk when this returns.  Raises :class:`InputError` where it cannot be
    written."""
    try:
        jsonl.append(path, counts)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def load(path: Path) -> list[RunCount]:
    """The counts that a file holds.  Raises :class:`InputError` naming the line that is none."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return jsonl.decode(path, lines, RunCount)


@dataclass(slots=True)
class Total:
    """What all runs on one kernel add up to."""

    programs: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)


def add_up(counts: Iterable[RunCount]) -> dict[str, Total]:
    """The totals of all runs, by the name of the kernel."""
    totals: dict[str, Total] = {}
    for each in counts:
        total = totals.setdefault(each.kernel, Total())
        total.programs += each.programs
        total.judged.update(each.judged)
        total.new.update(each.new)
        total.known.update(each.known)
    return totals


def as_markdown(totals: dict[str, Total]) -> str:
    """A table, a kernel a row, and the new signatures below it."""
    kinds = sorted({kind for total in totals.values() for kind in total.judged})
    lines = [f"| kernel | programs | {' | '.join(kinds)} | new | known |", "|---" * (len(kinds) + 4) + "|"]
    for kernel, total in sorted(totals.items()):
        judged = " | ".join(f"{total.judged[kind]:,}" for kind in kinds)
        lines.append(f"| {kernel} | {total.programs:,} | {judged} | {len(total.new)} | {len(total.known)} |")
    lines += [
        f"- {kernel}: `{signature}` in {times} run{'s' if times > 1 else ''}"
        for kernel, total in sorted(totals.items())
        for signature, times in sorted(total.new.items())
    ]
    return "\n".join(lines) + "\n"
