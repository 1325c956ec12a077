"""Questions about a path: where it can go, and what a term can be on it."""

from __future__ import annotations

import z3

from ebpf.kfuncs import CodeSection
from ebpf.program import LoadFlag
from oracles.reference.facts import Facts
from oracles.reference.ledger import Ledger
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.terms.solver import Feasible, Solver
from oracles.terms.term import Condition, Term, b, negation, symbol, to_signed


class Questions:
    """What can be asked about the paths of one program."""

    __slots__ = ("facts", "ledger", "solver")

    def __init__(self, facts: Facts, ledger: Ledger, solver: Solver) -> None:
        self.facts = facts
        self.ledger = ledger
        self.solver = solver

    @property
    def by_ranges(self) -> bool:
        """Whether no question shows how two values relate, as in kernels."""
        return not self.solver.relates

    def in_rcu(self, state: SymbolicState) -> bool:
        """Whether the path is in an RCU read-side critical section, as programs that never sleep always
        are."""
        return LoadFlag.SLEEPABLE not in self.facts.program.flags or CodeSection.RCU in state.sections

    def feasible(self, state: SymbolicState, condition: Condition) -> tuple[Feasible, z3.ModelRef | None]:
        """Whether ``condition`` can hold on the path, with a model that also satisfies the path."""
        return self.solver.feasible(state.assumed, state.model, condition)

    def branch(
        self, state: SymbolicState, condition: Condition
    ) -> tuple[SymbolicState | None, SymbolicState | None]:
        """The path where the condition holds and the one where it does not, None for what cannot be;
        ``state`` becomes one of them."""
        if isinstance(condition, bool):
            self._decided()
            return (state, None) if condition else (None, state)
        taken, fall = (self.feasible(state, c) for c in (condition, negation(condition)))
        if taken[0] is Feasible.NO and fall[0] is Feasible.NO:
            return None, None  # no exception: the caller may hold other paths
        if Feasible.NO in (taken[0], fall[0]):
            self._decided()
        yes = None if taken[0] is Feasible.NO else state
        no = None if fall[0] is Feasible.NO else (state.fork() if yes is not None else state)
        for path, (_, model), assumed in ((yes, taken, condition), (no, fall, negation(condition))):
            if path is not None:
                if taken[0] is not Feasible.NO and fall[0] is not Feasible.NO:
                    path.assume(b(assumed))
                path.model = model
        return yes, no

    def _decided(self) -> None:
        """A branch goes one way.  Without privilege kernels follow the other one too, as processors may: what
        intervals prove of the program is no proof for them (kernel/bpf/verifier.c,
        sanitize_speculative_path)."""
        if not (self.facts.privileged or self.solver.relates):
            self.ledger.leave_open("a branch that is followed both ways without privilege")

    def values(self, state: SymbolicState, term: Term, limit: int) -> list[int]:
        """All values ``term`` takes on the path; :class:`Unmodelled` when there are more than ``limit``."""
        if isinstance(term, int):
            return [term]
        found = self.solver.values(state.assumed, state.model, term, limit)
        if found is None:
            raise Unmodelled("an offset into the stack with many values")
        return found

    def split(self, state: SymbolicState, term: Term, limit: int = 64) -> list[tuple[SymbolicState, int]]:
        """A path for each value of ``term``, as signed numbers."""
        if isinstance(term, int):
            return [(state, to_signed(term, 64))]
        found = self.values(state, term, limit)
        paths = []
        for number, value in enumerate(found):
            path = state.fork() if number < len(found) - 1 else state
            path.assume(term == value)
            if path.model is not None and not z3.is_true(
                path.model.eval(term == value, model_completion=True)
            ):
                path.model = None
            paths.append((path, to_signed(value, 64)))
        return paths

    def possible(self, state: SymbolicState, condition: Condition) -> bool:
        """Whether some input on the path certainly makes the condition true."""
        if isinstance(condition, bool):
            return condition
        answer = self.feasible(state, condition)[0]
        if answer is Feasible.UNKNOWN:
            self.ledger.leave_open("solver: a question left open")
        return answer is Feasible.YES

    def constant(self, state: SymbolicState, term: Term) -> int | None:
        """The one value ``term`` has on the path, or None."""
        if isinstance(term, int):
            return term
        try:
            found = self.values(state, term, 1)
        except Unmodelled:
            return None
        return found[0] if len(found) == 1 else None

    def apart(self, state: SymbolicState, value: Term) -> Term:
        """``value``, for a solver that relates no two values by a name of its own: only its copies share its
        bounds."""
        if isinstance(value, int) or self.solver.relates:
            return value
        own = symbol(f"value!{state.number()}")
        state.assume(own == value)
        return own
