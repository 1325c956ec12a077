"""Questions to Z3, with the cheap ways to answer them first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import z3

from oracles.terms.assumptions import Assumed, conditions
from oracles.terms.term import Condition

EFFORT = 2_000_000
"""Z3's rlimit per query: a count of its own steps, so that the same query always ends in the same way (about
1 s)."""

FEW = 100
"""Conditions up to which Z3's plain core is asked. Of five ways measured (that core, QF_BV, the default
solver, a chain of tactics, one solver that follows the path) it took 60 % of the time of QF_BV on generated
programs and on a corpus, and left fewer questions open; with hundreds of conditions QF_BV is twice as fast.
"""


class Feasible(Enum):
    """Whether some input on the path makes a condition true."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Counted:
    """``queries`` that reached Z3, ``cheap`` ones that did not have to."""

    queries: int = 0
    cheap: int = 0
    open: int = 0
    effort: int = 0
    """Z3's steps for all of them."""


class Solver:
    """Deterministic: a fixed seed, and budgets in rlimit: ``effort`` per query.

    ``relates``: it knows that two values computed alike are the same, which no interval shows.
    """

    relates = True

    def __init__(self, effort: int) -> None:
        self.effort = effort
        self.counted = Counted()
        self.counted_to = 0
        """Z3's steps when they were last counted."""
        empty = z3.Solver()
        empty.check()
        self.nothing = empty.model()

    def feasible(
        self, assumed: Assumed | None, model: z3.ModelRef | None, condition: Condition
    ) -> tuple[Feasible, z3.ModelRef | None]:
        """Whether ``condition`` can hold with what is assumed, and a model in which all of it does.

        ``model`` satisfies what is assumed; None where no such model is known.
        """
        if condition is False:
            return Feasible.NO, None
        if model is None and assumed is None:
            model = self.nothing
        if model is not None and (
            condition is True or z3.is_true(model.eval(condition, model_completion=True))
        ):
            self.counted.cheap += 1
            return Feasible.YES, model
        held = conditions(assumed)
        return self.ask(held if condition is True else [condition, *held])

    def values(
        self, assumed: Assumed | None, model: z3.ModelRef | None, term: z3.BitVecRef, limit: int
    ) -> list[int] | None:
        """All values of ``term`` with what is assumed; None when there are more than ``limit``, or a question
        stays open."""
        found: list[int] = []
        solver = self._assert(conditions(assumed))
        while len(found) <= limit:
            if found or model is None:
                answer, model = self._check(solver)
                if model is None:
                    return found if answer is Feasible.NO else None
            value = model.eval(term, model_completion=True).as_long()
            found.append(value)
            solver.add(term != value)
        return None

    def ask(self, together: list[z3.BoolRef]) -> tuple[Feasible, z3.ModelRef | None]:
        """Whether all of them hold together."""
        return self._check(self._assert(together))

    def _assert(self, together: list[z3.BoolRef]) -> z3.Solver:
        solver = z3.SimpleSolver() if len(together) <= FEW else z3.SolverFor("QF_BV")
        solver.set("rlimit", self.effort)
        solver.set("random_seed", 1)
        self.counted_to = _steps_of(solver)
        solver.add(*together)
        return solver

    def _check(self, solver: z3.Solver) -> tuple[Feasible, z3.ModelRef | None]:
        self.counted.queries += 1
        result = solver.check()
        steps = _steps_of(solver)
        self.counted.effort += steps - self.counted_to
        self.counted_to = steps
        if result == z3.sat:
            return Feasible.YES, solver.model()
        if result == z3.unsat:
            return Feasible.NO, None
        self.counted.open += 1
        return Feasible.UNKNOWN, None


def _steps_of(solver: z3.Solver) -> int:
    """Z3's steps up to now, over all solvers of the process."""
    return int(solver.statistics().get_key_value("rlimit count"))
