"""Questions to Z3 about a path: is there an input that takes it and for which something holds?

Budgets are counted in Z3's own units and seeds are fixed, so that an answer is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import z3

from oracles.terms.term import Condition, Term, b, conjunction, z

BUDGET = 300_000
"""Z3's resource limit per question."""


class Nothing(Enum):
    """Why there is no input: none exists, or the budget was over before that was known."""

    NONE = "none"
    UNKNOWN = "unknown"


def solve(conditions: Sequence[Condition], words: Sequence[Term], budget: int) -> tuple[int, ...] | Nothing:
    """Numbers for ``words`` for which all ``conditions`` hold, or why there are none; the same ones whatever
    was asked before."""
    all_of = conjunction(*conditions)
    if all_of is False:
        return Nothing.NONE
    # In a context that other questions share, the answer found depends on them.
    context = z3.Context()
    solver, answer = _ask(b(all_of).translate(context), budget)
    if answer == z3.unsat:
        return Nothing.NONE
    if answer != z3.sat:
        return Nothing.UNKNOWN
    model = solver.model()
    values = [model.eval(z(word).translate(context), model_completion=True) for word in words]
    return tuple(value.as_long() for value in values)


def refuted(condition: Condition, budget: int) -> bool:
    """Whether it is known quickly that no input is left.  What is asked before may change a "no", never a
    "yes"."""
    return condition is False or bool(_ask(b(condition), budget)[1] == z3.unsat)


def _ask(condition: z3.BoolRef, budget: int) -> tuple[z3.Solver, z3.CheckSatResult]:
    solver = z3.SolverFor("QF_BV", ctx=condition.ctx)
    solver.set("rlimit", budget, "random_seed", 0)
    solver.add(condition)
    return solver, solver.check()
