"""The front door: one program, all inputs."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.program import Case
from oracles.reference import alu, calls, jumps, loads
from oracles.reference.answer import Answer, Verdict
from oracles.reference.explorer import Budget, Confirm, Explorer
from oracles.reference.form import check_form
from oracles.reference.stack import Stack
from oracles.reference.state import Frame, State
from oracles.reference.terms import symbol
from oracles.reference.values import UNDEFINED, Pointer, Region, RegionKind

LONGEST = 0xFFFF
"""MAX_PACKET_OFF, kernel/bpf/verifier.c: no packet is followed farther."""

_STEPS = {o.ALU: alu.step, o.ALU64: alu.step, o.JMP32: jumps.step, o.LD: loads.step, o.LDX: loads.step, o.ST: loads.step,
          o.STX: loads.step}  # fmt: skip


def _step(x: Explorer, s: State) -> list[State]:
    insn = x.code[s.pc]
    s.steps += 1
    if insn.opcode & 7 == o.JMP:
        return (calls if insn.opcode & o.OP_MASK in (o.CALL, o.EXIT) else jumps).step(x, s, insn)
    return _STEPS[insn.opcode & 7](x, s, insn)


def verify(case: Case, confirm: Confirm, budget: Budget = Budget()) -> Answer:  # noqa: B008 (frozen)
    """Whether some input makes the program break a safety rule, and which policy rules it breaks.

    ``confirm`` runs a witness: without its yes nothing is unsafe.  Deterministic, but for answers whose reason is ``wall``.
    """
    x = Explorer(case, confirm, budget)
    if not check_form(x):
        return Answer(Verdict.UNKNOWN, reason="the program's form is not one that runs", policy=tuple(x.broken.values()))
    answer = x.explore(start(x), _step)
    return answer


def start(x: Explorer) -> State:
    """The state a program starts in."""
    stack = Region(RegionKind.STACK, 0, STACK_SIZE, frame=0)
    context = Region(RegionKind.CONTEXT, 1)
    length = symbol("packet_length")
    packet = Region(RegionKind.PACKET, 2, length)
    state = State(0, [UNDEFINED] * 11, [Frame(stack, Stack(), 0)], packet=packet, fresh=100)
    import z3

    state.assume(z3.ULE(length, LONGEST))
    state.model = x.solver.nothing
    state.registers[1] = Pointer(context, 0)
    state.registers[10] = Pointer(stack, STACK_SIZE)
    return state


