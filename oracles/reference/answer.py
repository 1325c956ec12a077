"""What the reference verifier answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from ebpf.program import Case
from ebpf.rules import Rule


class ReferenceVerdict(Enum):
    """``SAFE``: every path was explored and no query was left open.  ``UNSAFE``: a witness replays."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that kernels refuse the program for although no execution needs to misbehave.

    ``at``: the slot.  ``witness``: the case with an input that leads there, None for rules of form.
    ``since`` and ``before`` limit it to kernels: (major, minor), the first that has the rule and the first
    that no longer has it.
    """

    rule: Rule
    at: int
    detail: str = ""
    since: tuple[int, int] = (0, 0)
    before: tuple[int, int] | None = None
    witness: Case | None = field(default=None, compare=False, repr=False)

    def binds(self, linux: tuple[int, int]) -> bool:
        """Whether a kernel of version ``linux`` has the rule."""
        return self.since <= linux and (self.before is None or linux < self.before)


SERIES: tuple[tuple[int, int], ...] = (
    (6, 1), (6, 6), (6, 12), (6, 16), (6, 17), (6, 18), (6, 19), (7, 0), (7, 1), (7, 2), (7, 3),
)  # fmt: skip
"""Kernel series that anybody runs; what differs between two of them is known to differ no finer than that."""


def spans(holds: Callable[[str], bool]) -> Iterator[tuple[tuple[int, int], tuple[int, int] | None]]:
    """The stretches of kernel versions (first, first no longer) for which ``holds(release)``."""
    since: tuple[int, int] | None = None
    for number, series in enumerate(SERIES):
        if holds(f"{series[0]}.{series[1]}"):
            since = since or (series if number else (0, 0))
        elif since is not None:
            yield since, series
            since = None
    if since is not None:
        yield since, None


@dataclass(frozen=True, slots=True)
class Cost:
    """``steps``: instructions executed symbolically.  ``queries``: how often Z3 was asked; ``seconds`` of
    CPU."""

    paths: int = 0
    steps: int = 0
    queries: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ReferenceAnswer:
    """``rule``, ``at`` and ``witness`` (the case with the input that breaks the rule) only with ``UNSAFE``;
    ``reason`` only with ``UNKNOWN``.  ``visited``: the slots that some path came by."""

    verdict: ReferenceVerdict
    rule: Rule | None = None
    at: int | None = None
    detail: str = ""
    reason: str = ""
    witness: Case | None = None
    policy: tuple[Broken, ...] = ()
    visited: frozenset[int] = field(default=frozenset(), compare=False, repr=False)
    cost: Cost = field(default=Cost(), compare=False)

    def refused_by(self, linux: tuple[int, int]) -> tuple[Broken, ...]:
        """The policy rules that make a kernel of that version refuse the program."""
        return tuple(broken for broken in self.policy if broken.binds(linux))
