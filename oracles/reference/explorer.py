"""The search: one path after the other, until every one was looked at or one breaks a rule."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import z3

from ebpf import rules
from ebpf.helpers import Prototype
from ebpf.helpers.availability import gpl_refusal, refusal
from ebpf.program import Case
from ebpf.releases import NEWEST
from ebpf.return_ranges import return_range
from ebpf.rules import Rule
from oracles.reference.answer import Broken, Cost, ReferenceAnswer, ReferenceVerdict, spans
from oracles.reference.depth import check_depth
from oracles.reference.events import Chance
from oracles.reference.map_kinds import value_region
from oracles.reference.solver import Feasible, Solver
from oracles.reference.state import SymbolicState, Walked
from oracles.reference.terms import Condition, Term, b, negation, symbol, to_signed
from oracles.reference.values import RegionKind, SymbolicRegion
from oracles.reference.witness import witness

Confirm = Callable[[Case, Rule, int], bool]
"""Whether a run of the case (one input) breaks the rule at that slot: the interpreter's part."""


PERFMON = {"CAP_PERFMON", "CAP_SYS_ADMIN"}
"""Either makes a program privileged here (include/linux/bpf.h: bpf_allow_ptr_leaks, bpf_allow_uninit_stack).
"""
BPF = {"CAP_BPF", "CAP_SYS_ADMIN"}


class PathEnds(Exception):
    """Nothing follows on this path."""


class Unmodelled(Exception):
    """The path uses something that is not modelled; the message names the feature."""


class Proven(Exception):
    """A witness was confirmed."""

    def __init__(self, rule: Rule, at: int, detail: str, case: Case) -> None:
        super().__init__(detail)
        self.rule, self.at, self.detail, self.case = rule, at, detail, case


@dataclass(frozen=True, slots=True)
class Budget:
    """``steps``: instructions executed over all paths; ``seconds``: the wall behind it, which makes an answer
    irreproducible."""

    steps: int = 100_000
    paths: int = 20_000
    seconds: float = 20.0
    queries: int = 4_000


class Explorer:
    """One verification.  ``confirm`` is asked about every violation before it counts."""

    def __init__(self, case: Case, confirm: Confirm, budget: Budget, solver: Solver | None = None) -> None:
        self.case = case
        self.program = case.program
        self.code = case.program.instructions
        self.confirm = confirm
        self.budget = budget
        self.solver = solver or Solver()
        self.by_ranges = not self.solver.relates
        self.work: list[SymbolicState] = []
        self.broken: dict[tuple[str, int, tuple[int, int]], Broken] = {}
        self.unknown: dict[str, None] = {}
        self.depths: dict[int, int] = {}
        self.calls: set[tuple[int, int]] = set()
        self.paths = 0
        self.steps = 0
        self.privileged = case.capabilities is None or not PERFMON.isdisjoint(case.capabilities)
        self.capable = case.capabilities is None or not BPF.isdisjoint(case.capabilities)
        self.handles = [
            SymbolicRegion(RegionKind.MAP, 3 + 2 * n, map=n, writable=False)
            for n in range(len(self.program.maps))
        ]
        self.direct = [value_region(4 + 2 * n, n, spec) for n, spec in enumerate(self.program.maps)]
        self.globals: frozenset[int] = frozenset()
        self.elided: dict[int, tuple[int, int]] = {}
        self.walks: list[SymbolicState] | None = None
        self.exits: Callable[[SymbolicState], None] | None = None
        self.kinds: dict[int, RegionKind] = {}
        self.illegal: dict[int, str] = {}
        self.visited: set[int] = set()
        self.anything: dict[int, z3.BitVecRef] = {}
        self.newer: dict[int, tuple[int, int]] = {}
        self.return_range = return_range(self.program.type, self.program.attach_type, NEWEST)

    def may_call(self, state: SymbolicState, prototype: Prototype) -> None:
        """Record what kernels have against this program's calling the helper."""
        rule = gpl_refusal(prototype, self.program.license)
        if rule is not None:
            self.refuse(state, rule, prototype.name)
        type_, attach = self.program.type, self.program.attach_type
        for since, before in spans(
            lambda r: refusal(type_, attach, prototype.number, r, self.case.capabilities) is not None
        ):
            self.refuse(state, rules.HELPER_UNKNOWN, prototype.name, since=since, before=before)

    # -- questions

    def branch(
        self, state: SymbolicState, condition: Condition
    ) -> tuple[SymbolicState | None, SymbolicState | None]:
        """The path where the condition holds and the one where it does not, None for what cannot be;
        ``state`` becomes one of them."""
        if isinstance(condition, bool):
            self._decided()
            return (state, None) if condition else (None, state)
        taken, fall = (self.solver.feasible(state, c) for c in (condition, negation(condition)))
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
        if not (self.privileged or self.solver.relates):
            self.unknown["a branch that is followed both ways without privilege"] = None

    def values(self, state: SymbolicState, term: Term, limit: int) -> list[int]:
        """All values ``term`` takes on the path; :class:`Unmodelled` when there are more than ``limit``."""
        if isinstance(term, int):
            return [term]
        found: list[int] = []
        while True:
            answer, model = self.solver.feasible(
                state, z3.And(*[term != v for v in found]) if found else True
            )
            if answer is Feasible.NO:
                return found
            if answer is Feasible.UNKNOWN or len(found) == limit or model is None:
                raise Unmodelled("an offset into the stack with many values")
            found.append(model.eval(term, model_completion=True).as_long())

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
        answer = self.solver.feasible(state, condition)[0]
        if answer is Feasible.UNKNOWN:
            self.unknown["solver: a question left open"] = None
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

    # -- judgements

    def require(self, state: SymbolicState, condition: Condition, rule: Rule, detail: str) -> None:
        """Every input on the path must make ``condition`` true, or the program is unsafe.  Goes on where it
        is true."""
        if condition is True:
            return
        wrong = negation(condition)
        answer, model = self.solver.feasible(state, wrong)
        if answer is Feasible.UNKNOWN:
            self.unknown[f"solver: {rule}"] = None
        elif answer is Feasible.YES and model is not None:
            self.accuse(state, wrong, model, rule, detail)
        elif answer is Feasible.YES:
            self.unknown[f"{rule} at instruction {state.pc}: not provable by ranges"] = None
        if condition is False:
            raise PathEnds
        if answer is not Feasible.NO:
            state.assume(b(condition))
            if state.model is not None and not z3.is_true(
                state.model.eval(b(condition), model_completion=True)
            ):
                state.model = None  # or the solver would take it for one of the narrower path
            answer, model = self.solver.feasible(state, True)
            if answer is Feasible.NO:
                raise PathEnds  # no input makes it true
            state.model = model

    def violation(self, state: SymbolicState, rule: Rule, detail: str) -> NoReturn:
        """Every input on the path breaks the rule here."""
        self.require(state, False, rule, detail)
        raise PathEnds

    def accuse(
        self, state: SymbolicState, wrong: Condition, model: z3.ModelRef, rule: Rule, detail: str
    ) -> None:
        """Have a witness made and confirmed: raises :class:`Proven`, or notes that the violation stays
        open."""
        for case in witness(self.case, state, wrong, model, self.solver):
            if self.confirm(case, rule, state.pc):
                raise Proven(rule, state.pc, detail, case)
        self.unknown[f"{rule} at instruction {state.pc}: no witness replays"] = None

    def refuse(
        self,
        state: SymbolicState,
        rule: Rule,
        detail: str,
        *,
        since: tuple[int, int] = (0, 0),
        before: tuple[int, int] | None = None,
        at: int | None = None,
    ) -> None:
        """The path breaks a policy rule here."""
        if state.certain:
            place = state.pc if at is None else at
            key = (rule.name, place, since)
            if key in self.broken:
                return
            if self.by_ranges:
                # As far as ranges tell; no input is known to lead there.
                self.broken[key] = Broken(rule, place, detail, since, before)
                return
            if state.model is None:
                state.model = self.solver.feasible(state, True)[1]
            if state.model is None:
                return
            leads = next(iter(witness(self.case, state, True, state.model, self.solver)), None)
            self.broken[key] = Broken(rule, place, detail, since, before, leads)

    def unchecked(self, state: SymbolicState, check: int, rule: Rule, detail: str) -> None:
        """A pointer that awaits null check number ``check`` is used; kernels that need no check have nothing
        against it."""
        self.refuse(state, rule, detail, before=self.elided.get(check))

    def chance(self, state: SymbolicState, what: str, bits: int) -> z3.BitVecRef:
        """An unknown that no input determines."""
        state.note(Chance(what))
        return symbol(f"{what}!{state.number()}", bits)

    # -- the loop

    def explore(
        self, start: SymbolicState, step: Callable[[Explorer, SymbolicState], list[SymbolicState]]
    ) -> ReferenceAnswer:
        """Walk every path from ``start``; ``step`` gives what follows one instruction."""
        started = time.process_time()
        wall = time.monotonic() + self.budget.seconds
        self.work.append(start)
        try:
            while self.work:
                state = self.work.pop()
                self.paths += 1
                while True:
                    self.steps += 1
                    if self.steps > self.budget.steps or self.paths > self.budget.paths:
                        self.unknown["budget: more paths or steps than are followed"] = None
                        self.work.clear()
                        break
                    if self.solver.counted.queries > self.budget.queries:
                        self.unknown["budget: more queries than are asked"] = None
                        self.work.clear()
                        break
                    if time.monotonic() > wall:
                        self.unknown["wall"] = None
                        self.work.clear()
                        break
                    frame, at, earlier = len(state.frames) - 1, state.pc, state.walked
                    self.visited.add(at)
                    try:
                        following = step(self, state)
                    except PathEnds:
                        break
                    except Unmodelled as feature:
                        self.unknown[str(feature)] = None
                        break
                    if self.walks is not None:
                        for path in following or [state]:
                            path.walked = Walked(
                                frame,
                                at,
                                len(path.frames) - 1,
                                tuple(path.registers),
                                path.assumed,
                                path.happened,
                                earlier,
                            )
                    if not following:
                        if self.walks is not None:
                            self.walks.append(state)
                        break
                    state = following[0]
                    self.work.extend(reversed(following[1:]))
        except Proven as proof:
            return self.answer(started, ReferenceVerdict.UNSAFE, proof)
        check_depth(self)
        return self.answer(started, ReferenceVerdict.UNKNOWN if self.unknown else ReferenceVerdict.SAFE)

    def answer(
        self, started: float, verdict: ReferenceVerdict, proof: Proven | None = None
    ) -> ReferenceAnswer:
        """Everything found out."""
        cost = Cost(self.paths, self.steps, self.solver.counted.queries, time.process_time() - started)
        policy = tuple(sorted(self.broken.values(), key=lambda each: (each.at, each.rule.name)))
        if proof is not None:
            return ReferenceAnswer(
                verdict, proof.rule, proof.at, proof.detail, witness=proof.case, policy=policy, cost=cost
            )
        return ReferenceAnswer(
            verdict, reason="; ".join(self.unknown), policy=policy, visited=frozenset(self.visited), cost=cost
        )
