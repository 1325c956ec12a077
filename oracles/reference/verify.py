"""The front door: one program, all inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import z3

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.program import Case
from ebpf.program_rules import map_refusal
from ebpf.rules import Rule
from oracles.reference import alu, calls, jumps, loads
from oracles.reference.answer import Broken, ReferenceAnswer, ReferenceVerdict, spans
from oracles.reference.budget import Budget
from oracles.reference.explorer import Confirm, Explorer
from oracles.reference.facts import facts_of
from oracles.reference.form import check_form
from oracles.reference.ledger import Ledger
from oracles.reference.search import Search
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicFrame, SymbolicState, Walked
from oracles.reference.values import (
    LONGEST_PACKET,
    UNDEFINED,
    FrameStack,
    RegionKind,
    SymbolicPointer,
    SymbolicRegion,
)
from oracles.terms.intervals import IntervalSolver
from oracles.terms.solver import EFFORT, Solver
from oracles.terms.term import symbol

_STEPS: dict[int, Callable[[Explorer, SymbolicState, Insn], list[SymbolicState]]] = {
    o.ALU: alu.step, o.ALU64: alu.step, o.JMP32: jumps.step, o.LD: loads.step, o.LDX: loads.step,
    o.ST: loads.step,
    o.STX: loads.step,
}  # fmt: skip


def _step(x: Explorer, s: SymbolicState) -> list[SymbolicState]:
    insn = x.facts.code[s.pc]
    if s.pc in x.facts.forms.illegal:
        x.refuse(s, rules.RESERVED_FIELD, x.facts.forms.illegal[s.pc])
        raise Unmodelled("an instruction with a field that no kernel takes")
    if s.pc in x.facts.forms.newer:
        x.refuse(s, rules.RESERVED_FIELD, "a form that came later", before=x.facts.forms.newer[s.pc])
    if insn.opcode & o.CLASS_MASK == o.JMP:
        step = calls.step if insn.opcode & o.OP_MASK in (o.CALL, o.EXIT) else jumps.step
        return step(x, s, insn)
    return _STEPS[insn.opcode & o.CLASS_MASK](x, s, insn)


def _unconfirmed(case: Case, rule: Rule, at: int) -> bool:
    return False


def final_states(case: Case, budget: Budget) -> tuple[ReferenceAnswer, list[SymbolicState]]:
    """The answer, and the state of every path that returns: R0 as a term, and what the path assumed and took
    from the world."""
    states: list[SymbolicState] = []
    x = Explorer(facts_of(case), Ledger(), _solver(budget), _unconfirmed, states.append)
    return _run(x, budget, None), states


@dataclass(frozen=True, slots=True)
class Explored:
    """One search: its answer, and the paths that it walked."""

    answer: ReferenceAnswer
    """``UNKNOWN``, and ``UNSAFE`` too, mean that paths are missing."""
    walks: tuple[SymbolicState, ...]
    """The last state of every path that ended."""
    has_globals: bool
    """Whether it has global functions, which kernels verify for any argument, and we walk as they
    are called."""


def walked(state: SymbolicState) -> list[Walked]:
    """The path that led to a state, instruction by instruction."""
    steps = []
    node = state.walked
    while node is not None:
        steps.append(node)
        node = node.earlier
    return steps[::-1]


def explore(case: Case, confirm: Confirm, budget: Budget) -> Explored:
    """Whether some input makes the program break a safety rule, which policy rules it breaks, and the paths.

    ``confirm`` runs a witness: without its yes nothing is unsafe.  Deterministic, but for answers whose
    reason is ``wall``.
    """
    facts, ended = facts_of(case), list[SymbolicState]()
    answer = _run(Explorer(facts, Ledger(), _solver(budget), confirm), budget, ended)
    return Explored(answer, tuple(ended), bool(facts.globals))


def verify_by_ranges(case: Case, budget: Budget) -> ReferenceAnswer:
    """Safe where intervals and known bits prove every access, one value at a time; unknown everywhere else.

    What it proves, a kernel that keeps the same kind of state could prove as well.
    """
    return _run(Explorer(facts_of(case), Ledger(), IntervalSolver(), _unconfirmed), budget, None)


def _solver(budget: Budget) -> Solver:
    return Solver(min(EFFORT, budget.effort))


def _run(x: Explorer, budget: Budget, walks: list[SymbolicState] | None) -> ReferenceAnswer:
    facts, ledger = x.facts, x.ledger
    if not check_form(facts, ledger):
        return _unread("the program's form is not one that runs", ledger)
    for number, at in facts.named.items():
        spec = facts.program.maps[number]
        for since, before in spans(lambda release: map_refusal(facts.program, spec, release) is not None):  # noqa: B023 (used here)
            ledger.record(Broken(rules.MAP_PROGRAM, at, spec.type.name.lower(), since, before))
    if facts.globals and x.by_ranges:
        ledger.leave_open("global functions, of whose calls kernels know nothing")
    return Search(x, _step, budget, walks).explore(start(x))


def _unread(reason: str, ledger: Ledger) -> ReferenceAnswer:
    return ReferenceAnswer(ReferenceVerdict.UNKNOWN, reason=reason, policy=tuple(ledger.broken.values()))


def start(x: Explorer) -> SymbolicState:
    """The state a program starts in."""
    stack = SymbolicRegion(RegionKind.STACK, 0, STACK_SIZE, frame=0)
    context = SymbolicRegion(RegionKind.CONTEXT, 1)
    length = symbol("packet_length")
    packet = SymbolicRegion(RegionKind.PACKET, 2, length)
    state = SymbolicState(
        0,
        [UNDEFINED] * 11,
        [SymbolicFrame(stack, FrameStack(x.facts.order), 0)],
        packet=packet,
        arrived=packet,
        fresh=4 + 2 * len(x.facts.program.maps),
    )
    state.assume(z3.ULE(length, LONGEST_PACKET))
    state.model = x.solver.nothing
    state.registers[1] = SymbolicPointer(context, 0)
    state.registers[10] = SymbolicPointer(stack, STACK_SIZE)
    return state
