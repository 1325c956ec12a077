"""Bounds over all inputs: for each path of the program that the log shows, is there an input on it whose
value leaves a claim?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import z3

from conformance.observing.observation import Observation
from conformance.observing.opinions import paths
from ebpf.domains import ScalarRange
from ebpf.program import Case
from ebpf.verifier_log.claims import ScalarClaim
from ebpf.verifier_log.paths import ClaimsAt, Followed, NotExplored, follow
from oracles.claims import as_formula
from oracles.reference import Budget, ReferenceVerdict
from oracles.reference.state import SymbolicState, Walked
from oracles.reference.verify import walked
from oracles.reference.witness import witness
from oracles.terms.assumptions import added, conditions
from oracles.terms.solver import EFFORT, Feasible, Solver
from oracles.terms.term import Condition, Term, b, negation

QUERIES = 24
"""Per program: claims that no cheap look decides are put to Z3 up to so many."""
TOGETHER = EFFORT // 40
"""What the question about all claims of a path may cost: some are hard together that are easy one by one."""


def suspects(observation: Observation) -> Iterator[Case | None]:
    """Cases with an input that, by the terms, leaves a claim of the log or goes where the kernel did not: to
    be run and held against the log.  None where something stays open: a path not walked, a question not
    asked, or without an answer."""
    assert observation.exploration is not None
    budget = observation.question.budget
    assert budget is not None
    solver, together = Solver(min(EFFORT, budget.effort)), Solver(TOGETHER)
    looked: set[tuple[object, ...]] = set()
    search = paths(observation.case, budget)
    if search.answer.verdict is ReferenceVerdict.UNKNOWN or search.has_globals:
        yield None
    for state in () if search.has_globals else search.walks:
        steps = walked(state)
        followed = follow(observation.exploration, [(step.frame, step.at) for step in steps])
        unseen = [said for said in _said(followed, steps) if not _looked_at(said, looked)]
        doubts = [_Doubt(each, wrong) for each in unseen if (wrong := each.wrong()) is not False]
        if doubts and _is_spent(solver, together, budget):
            yield None
            return
        if len(doubts) > 1 and together.ask(_any_of(doubts))[0] is Feasible.NO:
            continue
        for doubt in doubts:
            if _is_spent(solver, together, budget):
                yield None
                return
            yield from _case(observation.case, state, doubt, solver)


def _is_spent(solver: Solver, together: Solver, budget: Budget) -> bool:
    return solver.counted.queries > QUERIES or solver.counted.effort + together.counted.effort > budget.effort


@dataclass(frozen=True, slots=True)
class _Saying:
    """What the log says at a step of a path: that ``value`` is in the range ``claim``, or that the kernel
    does not go there (``claim`` None)."""

    step: Walked
    claim: ScalarRange | None = None
    value: Term = 0

    def wrong(self) -> Condition:
        """When it is wrong."""
        return True if self.claim is None else negation(as_formula(self.claim, self.value))

    @property
    def key(self) -> tuple[ScalarRange | None, int, bool]:
        """The claim, and the value it is of; what is alike twice is about the same term, while that lives."""
        if isinstance(self.value, int):
            return self.claim, self.value, True
        return self.claim, self.value.get_id(), False


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Something said, and when it is wrong."""

    said: _Saying
    wrong: Condition

    @property
    def step(self) -> Walked:
        return self.said.step


def _said(followed: Followed, steps: list[Walked]) -> Iterator[_Saying]:
    """In the order of the steps.  A claim that is repeated of the same value says nothing new, since later
    steps only assume more."""
    before = set()
    for claims in followed.claims:
        if not 0 <= claims.step < len(steps):
            continue
        for said in _claimed(claims, steps[claims.step]):
            if said.key not in before:
                before.add(said.key)
                yield said
    stop = followed.stop
    if isinstance(stop, NotExplored) and stop.step + 1 < len(steps):
        yield _Saying(steps[stop.step + 1])


def _claimed(claims: ClaimsAt, step: Walked) -> Iterator[_Saying]:
    """Each claim of a register there."""
    for state in claims.fresh:
        if state.frame != step.depth:
            continue
        for register, claim in state.registers:
            value = step.registers[register]
            if isinstance(claim, ScalarClaim) and isinstance(value, int | z3.BitVecRef):
                yield _Saying(step, claim.range, value)


def _looked_at(said: _Saying, looked: set[tuple[object, ...]]) -> bool:
    """Whether it was there before, with the same assumptions: in the part that two paths share.  All that is
    looked at is kept alive by the search, so that no other object gets its number."""
    key = (said.key, id(said.step.assumed if said.claim else said.step))
    known = key in looked
    looked.add(key)
    return known


def _any_of(doubts: list[_Doubt]) -> list[z3.BoolRef]:
    """That one of a path's doubts is right: each with what the path has assumed by then, which is stated
    once."""
    later = doubts[-1]
    some = b(later.wrong)
    for doubt in reversed(doubts[:-1]):
        between = added(later.step.assumed, doubt.step.assumed)
        some = z3.Or(b(doubt.wrong), z3.And(*between, some) if between else some)
        later = doubt
    return [some, *conditions(later.step.assumed)]


def _case(case: Case, state: SymbolicState, doubt: _Doubt, solver: Solver) -> Iterator[Case | None]:
    there = replace(state, assumed=doubt.step.assumed, happened=doubt.step.happened, model=None)
    answer, model = solver.ask([b(doubt.wrong), *there.assumptions()])
    if answer is Feasible.YES and model is not None:
        yield from witness(case, there, doubt.wrong, model, solver)
    elif answer is Feasible.UNKNOWN:
        yield None
