"""Judgements: what a path requires, and what it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import z3

from ebpf import rules
from ebpf.helpers import Prototype
from ebpf.helpers.availability import gpl_refusal, refusal
from ebpf.program import Case
from ebpf.rules import Rule
from oracles.reference.answer import Broken, spans
from oracles.reference.events import Chance
from oracles.reference.facts import Facts
from oracles.reference.ledger import Ledger
from oracles.reference.questions import Questions
from oracles.reference.signals import PathEnds, Proven
from oracles.reference.state import SymbolicState
from oracles.reference.witness import witness
from oracles.terms.solver import Feasible, Solver
from oracles.terms.term import Condition, b, negation, symbol

Confirm = Callable[[Case, Rule, int], bool]
"""Whether a run of the case (one input) breaks the rule at that slot: the interpreter's part."""


class Explorer(Questions):
    """What the steps of one verification work with.

    ``confirm`` is asked about every violation before it counts; ``on_return`` is told of every path that
    returns.
    """

    __slots__ = ("confirm", "on_return")

    def __init__(
        self,
        facts: Facts,
        ledger: Ledger,
        solver: Solver,
        confirm: Confirm,
        on_return: Callable[[SymbolicState], None] | None = None,
    ) -> None:
        super().__init__(facts, ledger, solver)
        self.confirm = confirm
        self.on_return = on_return

    def may_call(self, state: SymbolicState, prototype: Prototype) -> None:
        """Record what kernels have against this program's calling the helper."""
        rule = gpl_refusal(prototype, self.facts.program.license)
        if rule is not None:
            self.refuse(state, rule, prototype.name)
        type_, attach = self.facts.program.type, self.facts.program.attach_type
        for since, before in spans(
            lambda r: refusal(type_, attach, prototype.number, r, self.facts.case.capabilities) is not None
        ):
            self.refuse(state, rules.HELPER_UNKNOWN, prototype.name, since=since, before=before)

    def require(self, state: SymbolicState, condition: Condition, rule: Rule, detail: str) -> None:
        """Every input on the path must make ``condition`` true, or the program is unsafe.  Goes on where it
        is true."""
        if condition is True:
            return
        wrong = negation(condition)
        answer, model = self.feasible(state, wrong)
        if answer is Feasible.UNKNOWN:
            self.ledger.leave_open(f"solver: {rule}")
        elif answer is Feasible.YES and model is not None:
            self.accuse(state, wrong, model, rule, detail)
        elif answer is Feasible.YES:
            self.ledger.leave_open(f"{rule} at instruction {state.pc}: not provable by ranges")
        if condition is False:
            raise PathEnds
        if answer is not Feasible.NO:
            state.assume(b(condition))
            if state.model is not None and not z3.is_true(
                state.model.eval(b(condition), model_completion=True)
            ):
                state.model = None  # or the solver would take it for one of the narrower path
            answer, model = self.feasible(state, True)
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
        for case in witness(self.facts.case, state, wrong, model, self.solver):
            if self.confirm(case, rule, state.pc):
                raise Proven(rule, state.pc, detail, case)
        self.ledger.leave_open(f"{rule} at instruction {state.pc}: no witness replays")

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
        if not state.certain:
            return
        place = state.pc if at is None else at
        if (rule.name, place, since) in self.ledger.broken:
            return
        leads = None  # As far as ranges tell, no input is known to lead there.
        if not self.by_ranges:
            if state.model is None:
                state.model = self.feasible(state, True)[1]
            if state.model is None:
                return
            leads = next(iter(witness(self.facts.case, state, True, state.model, self.solver)), None)
        self.ledger.record(Broken(rule, place, detail, since, before, leads))

    def unchecked(self, state: SymbolicState, check: int, rule: Rule, detail: str) -> None:
        """A pointer that awaits null check number ``check`` is used; kernels that need no check have nothing
        against it."""
        self.refuse(state, rule, detail, before=self.ledger.elided.get(check))

    def chance(self, state: SymbolicState, what: str, bits: int) -> z3.BitVecRef:
        """An unknown that no input determines."""
        state.note(Chance(what))
        return symbol(f"{what}!{state.number()}", bits)
