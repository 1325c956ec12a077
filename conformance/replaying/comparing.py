"""Comparing: what two runs found, told apart from what one of them only did not draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from conformance.kernel.identity import KernelIdentity
from conformance.replaying.replayed import Replayed, ReplayState
from reports.directory import RunDirectory
from reports.records import Finding

Ask = Callable[[Finding, KernelIdentity], Replayed]


class Change(Enum):
    """What became of a finding from one run to another."""

    NEW = "new"
    FIXED = "fixed"
    SAME = "still there"
    UNTOLD = "cannot tell"


@dataclass(frozen=True, slots=True)
class ComparedFinding:
    """A finding of either run."""

    finding: Finding
    change: Change
    note: str = ""
    """What it rests on, where not both runs drew it."""


def compare(old: RunDirectory, new: RunDirectory, ask: Ask) -> Iterator[ComparedFinding]:
    """What is new, still there, and fixed; ``ask`` is asked about a finding that one run has and the other
    has not, on the other's kernel, and before anything is called fixed.

    A kernel is held against the same of the other run; where each run has one kernel, these against each
    other.
    """
    for finding in new.findings:
        yield _seen_in_new(finding, new, old, ask)
    for finding in old.findings:
        kernel = counterpart(identity(finding), kernels_of(old), kernels_of(new))
        if kernel is None:
            yield ComparedFinding(finding, Change.UNTOLD, "no kernel of the other run stands for this one")
        elif not _has(new, finding, kernel):
            yield _seen_in_old(ask(finding, kernel))


def _seen_in_new(finding: Finding, new: RunDirectory, old: RunDirectory, ask: Ask) -> ComparedFinding:
    kernel = counterpart(identity(finding), kernels_of(new), kernels_of(old))
    if kernel is None:
        return ComparedFinding(finding, Change.NEW, "no kernel of the old run stands for this one")
    if _has(old, finding, kernel):
        return ComparedFinding(finding, Change.SAME)
    if kernel == identity(finding):
        return ComparedFinding(finding, Change.NEW, "the old run did not draw it")
    replayed = ask(finding, kernel)
    match replayed.state:
        case ReplayState.STILL:
            return ComparedFinding(
                finding, Change.SAME, f"{kernel} shows it too: the old run did not draw it"
            )
        case ReplayState.GONE:
            return ComparedFinding(finding, Change.NEW, f"{kernel} does not show it")
        case ReplayState.CANNOT_TELL:
            return ComparedFinding(finding, Change.NEW, f"{kernel} could not tell: {replayed.reason}")


def _seen_in_old(replayed: Replayed) -> ComparedFinding:
    kernel = replayed.kernel
    match replayed.state:
        case ReplayState.STILL:
            times = f"{replayed.shown} of {replayed.times} times"
            note = f"{kernel} shows it {times}: the new run did not draw it"
            return ComparedFinding(replayed.finding, Change.SAME, note)
        case ReplayState.GONE:
            note = f"{kernel} does not show it in {replayed.times} tries"
            return ComparedFinding(replayed.finding, Change.FIXED, note)
        case ReplayState.CANNOT_TELL:
            return ComparedFinding(
                replayed.finding, Change.UNTOLD, f"{kernel} could not tell: {replayed.reason}"
            )


def identity(finding: Finding) -> KernelIdentity:
    """The kernel that a finding was found on."""
    return KernelIdentity(finding.kernel, finding.boot_args)


def kernels_of(run: RunDirectory) -> tuple[KernelIdentity, ...]:
    """The kernels of a run."""
    named = (KernelIdentity(kernel.name, kernel.boot_args) for kernel in run.summary.kernels)
    return tuple(dict.fromkeys((*named, *map(identity, run.findings))))


def counterpart(
    kernel: KernelIdentity, its: Sequence[KernelIdentity], others: Sequence[KernelIdentity]
) -> KernelIdentity | None:
    """Which kernel of another run one of this run is held against."""
    if kernel in others:
        return kernel
    return others[0] if len(others) == len(its) == 1 else None


def _has(run: RunDirectory, finding: Finding, kernel: KernelIdentity) -> bool:
    return any(each.signature == finding.signature and identity(each) == kernel for each in run.findings)
