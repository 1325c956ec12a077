"""Questions to Z3 about a path: is there an input that takes it and for which something holds?

Budgets are counted in Z3's own units and seeds are fixed, so that an answer is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import z3

from oracles.reference.terms import Condition, Term, b, conjunction

BUDGET = 300_000
"""Z3's resource limit per question."""


class Nothing(Enum):
    """Why there is no input: none exists, or the budget was over before that was known."""

    NONE = "none"
    UNKNOWN = "unknown"


def solve(conditions: Sequence[Condition], words: Sequence[Term], budget: int = BUDGET) -> tuple[int, ...] | Nothing:
    """Numbers for ``words`` for which all ``conditions`` hold, or why there are none."""
    all_of = conjunction(*conditions)
    if all_of is False:
        return Nothing.NONE
    solver = z3.SolverFor("QF_BV")
    solver.set("rlimit", budget, "random_seed", 0)
    solver.add(b(all_of))
    answer = solver.check()
    if answer == z3.unsat:
        return Nothing.NONE
    if answer != z3.sat:
        return Nothing.UNKNOWN
    model = solver.model()
    return tuple(word if isinstance(word, int) else model.eval(word, model_completion=True).as_long() for word in words)
