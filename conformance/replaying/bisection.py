"""Bisection: where, over many kernels, a finding begins to show and where it is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from conformance.replaying.replayed import ReplayState
from ebpf.releases import Release

Ask = Callable[[str], ReplayState]


def bisect(names: Sequence[str], ask: Ask) -> dict[str, ReplayState]:
    """What kernels say, those that were asked, oldest first.

    ``names`` are in order of age. A fix goes into each series by itself, so that what shows is not in one
    piece over all of them: both ends of every series are asked, and where they differ, the middle, until two
    neighbours differ. Between two ends that say the same it is taken to be the same.
    """
    told: dict[str, ReplayState] = {}

    def say(name: str) -> ReplayState:
        if name not in told:
            told[name] = ask(name)
        return told[name]

    for _, group in groupby(names, key=series):
        members = list(group)
        low, high = 0, len(members) - 1
        while low <= high:
            first, last = say(members[low]), say(members[high])
            if first is last or high - low < 2:
                break
            middle = (low + high) // 2
            if say(members[middle]) is first:
                low = middle
            else:
                high = middle
    return {name: told[name] for name in names if name in told}


def series(name: str) -> str:
    """``6.12`` of ``debian:6.12.107-1``; a bzImage is one of its own."""
    version = name.partition(":")[2]
    return str(Release.parse(version).series) if version else name


def extent(told: dict[str, ReplayState]) -> list[tuple[str, str, ReplayState]]:
    """The same in pieces: the first and the last of neighbours that say the same."""
    pieces: list[tuple[str, str, ReplayState]] = []
    for name, state in told.items():
        if pieces and pieces[-1][2] is state:
            pieces[-1] = (pieces[-1][0], name, state)
        else:
            pieces.append((name, name, state))
    return pieces
