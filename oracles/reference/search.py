"""The search: one path after the other, until every one was looked at or one breaks a rule."""

from __future__ import annotations

import time
from collections.abc import Callable

from oracles.reference.answer import Cost, ReferenceAnswer, ReferenceVerdict
from oracles.reference.budget import Budget
from oracles.reference.depth import check_depth
from oracles.reference.explorer import Explorer
from oracles.reference.signals import PathEnds, Proven, Unmodelled
from oracles.reference.state import SymbolicState, Walked

Step = Callable[[Explorer, SymbolicState], list[SymbolicState]]
"""What follows one instruction of a path: nothing where it ends."""


class Search:
    """The paths that wait, and what the search has cost so far.

    ``walks``: where given, every path that ended is put there, each instruction of it noted.
    """

    __slots__ = ("budget", "paths", "started", "step", "steps", "walks", "wall", "work", "x")

    def __init__(
        self, x: Explorer, step: Step, budget: Budget, walks: list[SymbolicState] | None = None
    ) -> None:
        self.x = x
        self.step = step
        self.budget = budget
        self.walks = walks
        self.work: list[SymbolicState] = []
        self.paths = 0
        self.steps = 0
        self.started = time.process_time()
        self.wall = time.monotonic() + budget.seconds

    def explore(self, start: SymbolicState) -> ReferenceAnswer:
        """Walk every path from ``start``."""
        ledger = self.x.ledger
        self.work.append(start)
        try:
            while self.work:
                self.paths += 1
                self._follow(self.work.pop())
        except Proven as proof:
            return self._answer(ReferenceVerdict.UNSAFE, proof)
        check_depth(self.x.facts, ledger)
        return self._answer(ReferenceVerdict.UNKNOWN if ledger.unknown else ReferenceVerdict.SAFE)

    def _follow(self, state: SymbolicState) -> None:
        """Walk one path to its end; paths that leave it wait."""
        x, step, walks, visited = self.x, self.step, self.walks, self.x.ledger.visited
        while True:
            self.steps += 1
            spent = self._spent()
            if spent:
                x.ledger.leave_open(spent)
                self.work.clear()
                return
            frame, at, earlier = len(state.frames) - 1, state.pc, state.walked
            visited.add(at)
            try:
                following = step(x, state)
            except PathEnds:
                return
            except Unmodelled as feature:
                x.ledger.leave_open(str(feature))
                return
            if walks is not None:
                for path in following or [state]:
                    _note(path, frame, at, earlier)
            if not following:
                if walks is not None:
                    walks.append(state)
                return
            state = following[0]
            if len(following) > 1:
                self.work.extend(reversed(following[1:]))

    def _spent(self) -> str:
        """Which part of the budget is over; empty when none is."""
        budget = self.budget
        if self.steps > budget.steps or self.paths > budget.paths:
            return "budget: more paths or steps than are followed"
        if self.x.solver.counted.queries > budget.queries:
            return "budget: more queries than are asked"
        if self.x.solver.counted.effort > budget.effort:
            return "budget: more of the solver's steps than are given"
        return "wall" if time.monotonic() > self.wall else ""

    def _answer(self, verdict: ReferenceVerdict, proof: Proven | None = None) -> ReferenceAnswer:
        """Everything found out."""
        ledger = self.x.ledger
        seconds = time.process_time() - self.started
        cost = Cost(self.paths, self.steps, self.x.solver.counted.queries, seconds)
        policy = ledger.policy()
        if proof is not None:
            return ReferenceAnswer(
                verdict, proof.rule, proof.at, proof.detail, witness=proof.case, policy=policy, cost=cost
            )
        visited = frozenset(ledger.visited)
        return ReferenceAnswer(
            verdict, reason="; ".join(ledger.unknown), policy=policy, visited=visited, cost=cost
        )


def _note(path: SymbolicState, frame: int, at: int, earlier: Walked | None) -> None:
    depth, registers = len(path.frames) - 1, tuple(path.registers)
    path.walked = Walked(frame, at, depth, registers, path.assumed, path.happened, earlier)
