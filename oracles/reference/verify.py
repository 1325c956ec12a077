"""The front door: one program, all inputs."""

from __future__ import annotations

from collections.abc import Callable

import z3

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.program import Case
from ebpf.program_rules import map_refusal
from oracles.reference import alu, calls, jumps, loads
from oracles.reference.answer import Broken, ReferenceAnswer, ReferenceVerdict, spans
from oracles.reference.explorer import Budget, Confirm, Explorer, Unmodelled
from oracles.reference.form import check_form
from oracles.reference.globals import global_functions, may_be_untrusted
from oracles.reference.intervals import IntervalSolver
from oracles.reference.solver import Solver
from oracles.reference.stack import SymbolicStack
from oracles.reference.state import SymbolicFrame, SymbolicState, Walked
from oracles.reference.terms import symbol
from oracles.reference.values import LONGEST_PACKET, UNDEFINED, RegionKind, SymbolicPointer, SymbolicRegion

_STEPS: dict[int, Callable[[Explorer, SymbolicState, Insn], list[SymbolicState]]] = {
    o.ALU: alu.step, o.ALU64: alu.step, o.JMP32: jumps.step, o.LD: loads.step, o.LDX: loads.step,
    o.ST: loads.step,
    o.STX: loads.step,
}  # fmt: skip


def _step(x: Explorer, s: SymbolicState) -> list[SymbolicState]:
    insn = x.code[s.pc]
    if s.pc in x.illegal:
        x.refuse(s, rules.RESERVED_FIELD, x.illegal[s.pc])
        raise Unmodelled("an instruction with a field that no kernel takes")
    if s.pc in x.newer:
        x.refuse(s, rules.RESERVED_FIELD, "a form that came later", before=x.newer[s.pc])
    if insn.opcode & 7 == o.JMP:
        step = calls.step if insn.opcode & o.OP_MASK in (o.CALL, o.EXIT) else jumps.step
        return step(x, s, insn)
    return _STEPS[insn.opcode & 7](x, s, insn)


def final_states(case: Case, budget: Budget = Budget()) -> tuple[ReferenceAnswer, list[SymbolicState]]:  # noqa: B008 (frozen)
    """The answer, and the state of every path that returns: R0 as a term, and what the path assumed and took
    from the world."""
    states: list[SymbolicState] = []
    x = Explorer(case, lambda case, rule, at: False, budget)
    x.exits = states.append
    return _run(x), states


def walks(
    case: Case,
    budget: Budget = Budget(),  # noqa: B008 (frozen)
) -> tuple[ReferenceAnswer, list[tuple[SymbolicState, list[Walked]]]]:
    """Every path that returns, instruction by instruction, with its last state; an answer of ``UNKNOWN``
    means that paths are missing."""
    x = Explorer(case, lambda case, rule, at: False, budget)
    x.walks = []
    answer = _run(x)
    return answer, [(state, _steps(state)) for state in x.walks]


def _steps(state: SymbolicState) -> list[Walked]:
    steps = []
    node = state.walked
    while node is not None:
        steps.append(node)
        node = node.earlier
    return steps[::-1]


def verify(
    case: Case,
    confirm: Confirm,
    budget: Budget = Budget(),  # noqa: B008 (frozen)
    solver: Solver | None = None,
) -> ReferenceAnswer:
    """Whether some input makes the program break a safety rule, and which policy rules it breaks.

    ``confirm`` runs a witness: without its yes nothing is unsafe.  Deterministic, but for answers whose
    reason is ``wall``.
    """
    return _run(Explorer(case, confirm, budget, solver))


def _run(x: Explorer) -> ReferenceAnswer:
    if not check_form(x):
        return ReferenceAnswer(
            ReferenceVerdict.UNKNOWN,
            reason="the program's form is not one that runs",
            policy=tuple(x.broken.values()),
        )
    for spec in x.program.maps:
        for since, before in spans(lambda release: map_refusal(x.program, spec, release) is not None):  # noqa: B023 (used here)
            broken = Broken(rules.MAP_PROGRAM, 0, spec.type.name.lower(), since, before)
            x.broken.setdefault((broken.rule.name, 0, since), broken)
    x.globals = global_functions(x.program)
    if x.globals and (x.by_ranges or x.walks is not None):
        x.unknown["global functions, of whose calls kernels know nothing"] = None
    if x.globals and may_be_untrusted(x.program):
        return ReferenceAnswer(
            ReferenceVerdict.UNKNOWN,
            reason="arguments that may be untrusted pointers",
            policy=tuple(x.broken.values()),
        )
    return x.explore(start(x), _step)


def verify_by_ranges(case: Case, budget: Budget = Budget()) -> ReferenceAnswer:  # noqa: B008 (frozen)
    """Safe where intervals and known bits prove every access, one value at a time; unknown everywhere else.

    What it proves, a kernel that keeps the same kind of state could prove as well.
    """
    return verify(case, lambda case, rule, at: False, budget, IntervalSolver())


def start(x: Explorer) -> SymbolicState:
    """The state a program starts in."""
    stack = SymbolicRegion(RegionKind.STACK, 0, STACK_SIZE, frame=0)
    context = SymbolicRegion(RegionKind.CONTEXT, 1)
    length = symbol("packet_length")
    packet = SymbolicRegion(RegionKind.PACKET, 2, length)
    state = SymbolicState(
        0,
        [UNDEFINED] * 11,
        [SymbolicFrame(stack, SymbolicStack(), 0)],
        packet=packet,
        fresh=4 + 2 * len(x.program.maps),
    )
    state.assume(z3.ULE(length, LONGEST_PACKET))
    state.model = x.solver.nothing
    state.registers[1] = SymbolicPointer(context, 0)
    state.registers[10] = SymbolicPointer(stack, STACK_SIZE)
    return state
