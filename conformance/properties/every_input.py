"""Bounds over all inputs: for each path of the program that the log shows, is there an input on it whose
value leaves a claim?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import z3

from conformance.observing.observation import Observation
from conformance.observing.opinions import paths
from ebpf.program import Case
from ebpf.verifier_log.claims import ScalarClaim
from ebpf.verifier_log.paths import ClaimsAt, NotExplored, follow
from oracles.claims import as_formula
from oracles.reference import ReferenceVerdict
from oracles.reference.state import SymbolicState, Walked
from oracles.reference.verify import walked
from oracles.reference.witness import witness
from oracles.terms.solver import EFFORT, Feasible, Solver
from oracles.terms.term import Condition, b, negation

QUERIES = 24
"""Per program: claims that no cheap look decides are put to Z3 up to so many."""


def suspects(observation: Observation) -> Iterator[Case | None]:
    """Cases with an input that, by the terms, leaves a claim of the log or goes where the kernel did not: to
    be run and held against the log.  None where something stays open: a path not walked, a question not
    asked, or without an answer."""
    assert observation.exploration is not None
    assert observation.question.budget is not None
    solver = Solver(EFFORT)
    looked: set[tuple[object, int]] = set()
    kept: list[object] = []
    search = paths(observation.case, observation.question.budget)
    if search.answer.verdict is ReferenceVerdict.UNKNOWN or search.has_globals:
        yield None
    for state in () if search.has_globals else search.walks:
        steps = walked(state)
        if solver.counted.queries > QUERIES:
            yield None
            return
        followed = follow(observation.exploration, [(step.frame, step.at) for step in steps])
        for claims in followed.claims:
            if not 0 <= claims.step < len(steps):
                continue
            step = steps[claims.step]
            for wrong in _wrong(claims, step, kept, looked):
                if solver.counted.queries > QUERIES:
                    yield None
                    return
                yield from _case(observation.case, state, step, wrong, solver)
        stop = followed.stop
        if isinstance(stop, NotExplored) and stop.step + 1 < len(steps):
            yield from _case(observation.case, state, steps[stop.step + 1], True, solver)


def _wrong(
    claims: ClaimsAt, step: Walked, kept: list[object], looked: set[tuple[object, int]]
) -> Iterator[Condition]:
    """When each claim of a register there is wrong; what was looked at before is left out."""
    for state in claims.fresh:
        if state.frame != step.depth:
            continue
        for register, claim in state.registers:
            value = step.registers[register]
            if isinstance(claim, ScalarClaim) and isinstance(value, int | z3.BitVecRef):
                key = (claim.range, value if isinstance(value, int) else value.get_id())
                if key in looked:
                    continue
                looked.add(key)
                kept.append(value)  # so that Z3 does not give its number to another term
                wrong = negation(as_formula(claim.range, value))
                if wrong is not False:
                    yield wrong


def _case(
    case: Case, state: SymbolicState, step: Walked, wrong: Condition, solver: Solver
) -> Iterator[Case | None]:
    there = replace(state, assumed=step.assumed, happened=step.happened, model=None)
    answer, model = solver.ask([b(wrong), *there.assumptions()])
    if answer is Feasible.YES and model is not None:
        yield from witness(case, there, wrong, model, solver)
    elif answer is Feasible.UNKNOWN:
        yield None
