"""The tightest range: the least and the greatest value of a term over all inputs that take a path, in each
view a verifier has.

Found by asking Z3 for values beyond the ones already known; what is left between those and the claim is
halved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import z3

from ebpf.domains import ScalarRange, Tnum
from ebpf.domains.limits import U64_MAX, signed32, signed64
from oracles.terms.term import Condition, Term, b

BUDGET = 60_000
"""Z3's resource limit per question."""
QUESTIONS = 96
"""Questions per range."""
SLACK = 16
"""An end is known well enough when what is open is less than a sixteenth of the width between the values
known."""


class _Undecided(Exception):
    """A question was too hard, or there were too many."""


@dataclass(frozen=True, slots=True)
class _View:
    """``of`` maps a term so that unsigned order is this view's; ``read`` maps a number likewise; both ends of
    a claim in it."""

    bits: int
    flip: int
    low: int
    high: int

    def of(self, term: z3.BitVecRef) -> z3.BitVecRef:
        return (term if self.bits == 64 else z3.Extract(31, 0, term)) ^ self.flip

    def read(self, value: int) -> int:
        return value & ((1 << self.bits) - 1) ^ self.flip


def tightest(conditions: Sequence[Condition], term: Term, claim: ScalarRange) -> ScalarRange | None:
    """The smallest range, each view for itself, of ``term`` under ``conditions``; None where it is not
    decided or no input is left.

    ``claim`` is known to hold.  An end may be off by a sixteenth of the width.
    """
    if isinstance(term, int):
        return ScalarRange.constant(term)
    search = _Search(conditions, term)
    try:
        if not search.ask(True):
            return None
        views = [search.ends(view) for view in _views(claim)]
        known = search.unknown_bits(claim.tnum.mask)
    except _Undecided:
        return None
    (umin, umax), (smin, smax), (umin32, umax32), (smin32, smax32) = views
    return ScalarRange(
        umin,
        umax,
        signed64(smin ^ 1 << 63),
        signed64(smax ^ 1 << 63),
        umin32,
        umax32,
        signed32(smin32 ^ 1 << 31),
        signed32(smax32 ^ 1 << 31),
        Tnum(search.values[0] & ~known, known),
    )


def _views(claim: ScalarRange) -> tuple[_View, ...]:
    sign, sign32 = 1 << 63, 1 << 31
    return (
        _View(64, 0, claim.umin, claim.umax),
        _View(64, sign, claim.smin + sign, claim.smax + sign),
        _View(32, 0, claim.umin32, claim.umax32),
        _View(32, sign32, claim.smin32 + sign32, claim.smax32 + sign32),
    )


class _Search:
    """``values`` are values that the term takes."""

    def __init__(self, conditions: Sequence[Condition], term: z3.BitVecRef) -> None:
        # A context of its own, so that the answer does not depend on what was asked before.
        context = z3.Context()
        self.term = term.translate(context)
        self.values: list[int] = []
        self.left = QUESTIONS
        self.solver = z3.SolverFor("QF_BV", ctx=context)
        self.solver.set("rlimit", BUDGET, "random_seed", 0)
        self.solver.add(*[b(condition).translate(context) for condition in conditions])

    def ask(self, condition: Condition) -> bool:
        """Whether the term takes a value for which the condition holds, which is then among ``values``."""
        self.left -= 1
        self.solver.push()
        self.solver.add(condition)
        answer = self.solver.check() if self.left >= 0 else z3.unknown
        if answer == z3.sat:
            self.values.append(self.solver.model().eval(self.term, model_completion=True).as_long())
        self.solver.pop()
        if answer == z3.unknown:
            raise _Undecided
        return bool(answer == z3.sat)

    def ends(self, view: _View) -> tuple[int, int]:
        """The least and the greatest value in a view."""
        shown = view.of(self.term)
        top = (1 << view.bits) - 1
        high = self._greatest(view.high, lambda at: z3.UGE(shown, at), view.read)
        mirrored = self._greatest(
            top - view.low, lambda at: z3.ULE(shown, top - at), lambda n: top - view.read(n)
        )
        return top - mirrored, high

    def _greatest(self, limit: int, reaches: Callable[[int], Condition], read: Callable[[int], int]) -> int:
        """The greatest number, at most ``limit``, that ``read`` gives for a value; ``reaches(n)``: it gives
        ``n`` or more."""
        best, width = self._span(read)
        if best < limit and self.ask(reaches(limit)):
            return limit
        while limit - best > width // SLACK:
            # Mostly the values known go as far as there is to go; else what is left is halved.
            if not self.ask(reaches(best + width // SLACK + 1)):
                break
            best, width = self._span(read)
            middle = best + (limit - best + 1) // 2
            if middle > best and not self.ask(reaches(middle)):
                limit = middle - 1
            best, width = self._span(read)
        return best

    def _span(self, read: Callable[[int], int]) -> tuple[int, int]:
        """The greatest number known, and how far it is from the least."""
        seen = [read(value) for value in self.values]
        return max(seen), max(seen) - min(seen)

    def unknown_bits(self, claimed: int) -> int:
        """Bits, of those ``claimed`` to be unknown, in which two values differ."""
        while True:
            differ = 0
            for value in self.values:
                differ |= value ^ self.values[0]
            open_bits = claimed & ~differ & U64_MAX
            if not open_bits or not self.ask((self.term ^ self.values[0]) & open_bits != 0):
                return differ
