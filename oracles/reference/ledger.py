"""What was found out about a program, over all paths."""

from __future__ import annotations

import z3

from oracles.reference.answer import Broken
from oracles.reference.values import RegionKind


class Ledger:
    """What the paths leave behind: what was broken, what stays unknown, what was visited."""

    __slots__ = ("anything", "broken", "calls", "depths", "elided", "kinds", "later", "unknown", "visited")

    def __init__(self) -> None:
        self.broken: dict[tuple[str, int, tuple[int, int]], Broken] = {}
        """By the rule's name, the slot, and the first kernel that has the rule."""
        self.unknown: dict[str, None] = {}
        """Why the answer may not be known, in order."""
        self.visited: set[int] = set()
        """The slots that some path came by."""
        self.kinds: dict[int, RegionKind] = {}
        """By slot, what the first path accessed there."""
        self.elided: dict[int, tuple[int, int]] = {}
        """By null check, the first kernel that does not ask for it."""
        self.anything: dict[int, z3.BitVecRef] = {}
        """By Z3's number, unknowns that stand for every value."""
        self.depths: dict[int, int] = {}
        """By a function's first slot, the lowest offset of its stack that was used."""
        self.calls: set[tuple[int, int]] = set()
        """The first slots of callers and of whom they called."""
        self.later: set[int] = set()
        """The first slots of functions that are called later, on a stack of their own."""

    def record(self, broken: Broken) -> None:
        """Note a broken rule; the first note of a rule at a slot counts."""
        self.broken.setdefault((broken.rule.name, broken.at, broken.since), broken)

    def leave_open(self, reason: str) -> None:
        """Note why the program may be unsafe for all that is known."""
        self.unknown[reason] = None

    def touch(self, entry: int, lowest: int, untouched: int) -> None:
        """Note how deep the function at ``entry`` used its stack, which starts at ``untouched``."""
        self.depths[entry] = min(self.depths.get(entry, untouched), lowest)

    def policy(self) -> tuple[Broken, ...]:
        """What was broken, by slot."""
        return tuple(sorted(self.broken.values(), key=lambda each: (each.at, each.rule.name)))
