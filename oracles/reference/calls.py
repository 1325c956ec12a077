"""Calls between the program's functions, exits, and what an exit has to leave behind."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.reference import callbacks, helpers
from oracles.reference.explorer import Explorer, Unmodelled
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.stack import SymbolicStack
from oracles.reference.state import Loop, SymbolicFrame, SymbolicState
from oracles.reference.terms import to_signed
from oracles.reference.values import UNDEFINED, RegionKind, SymbolicPointer, SymbolicRegion, Value

MAX_FRAMES = 8
"""MAX_CALL_FRAMES, include/linux/bpf_verifier.h."""


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """A call or an exit."""
    if insn.opcode & o.OP_MASK == o.EXIT:
        return leave(x, s)
    if insn.opcode & o.X:
        raise Unmodelled("indirect calls")
    if insn.src == o.CALL_LOCAL:
        enter(x, s, s.pc + 1 + insn.imm, s.pc + 1)
        return [s]
    if insn.src == o.CALL_KFUNC:
        raise Unmodelled("kernel functions")
    return helpers.step(x, s, insn)


def enter(x: Explorer, s: SymbolicState, entry: int, return_to: int, loop: Loop | None = None) -> None:
    """Push a frame: R1 to R5 are its arguments, R6 to R9 unwritten."""
    if not x.capable:
        x.refuse(s, rules.PRIVILEGED_CALL, "")
    if len(s.frames) >= MAX_FRAMES:
        x.refuse(s, rules.CALL_DEPTH, f"{len(s.frames) + 1} frames", before=(7, 0))
        raise Unmodelled("more than eight frames")
    if s.lock is not None and loop is None:
        x.refuse(s, rules.CALL_UNDER_LOCK, "a call", before=(6, 9))
    if entry in x.globals:
        s.certain = (
            False  # a kernel knows what points to a caller's stack as memory only, to which other rules apply
        )
    x.calls.add((s.frame.entry, entry))
    number_ = s.number()
    region = SymbolicRegion(RegionKind.STACK, number_, o.STACK_SIZE, frame=number_)
    s.frames.append(SymbolicFrame(region, SymbolicStack(), entry, return_to, tuple(s.registers[6:11]), loop))
    s.registers[6:10] = [UNDEFINED] * 4
    s.registers[0] = UNDEFINED
    s.registers[10] = SymbolicPointer(region, o.STACK_SIZE)
    s.pc = entry


def leave(x: Explorer, s: SymbolicState) -> list[SymbolicState]:
    """EXIT, from whatever function."""
    if len(s.frames) == 1:
        _end(x, s)
        return []
    result = s.registers[0]
    frame = s.frame
    x.depths[frame.entry] = min(x.depths.get(frame.entry, o.STACK_SIZE), frame.stack.lowest)
    if frame.loop is not None:
        return callbacks.called_back(x, s, frame.loop)
    if isinstance(result, SymbolicPointer) and result.region is frame.region:
        x.refuse(s, rules.STACK_IN_CALLER, "returned")
    pop(s)
    s.scratch()
    return [s]


def pop(s: SymbolicState) -> None:
    """Leave the current frame."""
    frame = s.frames.pop()
    s.registers[6:11] = list(frame.saved)
    assert frame.return_to is not None
    s.pc = frame.return_to


def _end(x: Explorer, s: SymbolicState) -> None:
    frame = s.frame
    x.depths[frame.entry] = min(x.depths.get(frame.entry, o.STACK_SIZE), frame.stack.lowest)
    value: Value = read(x, s, 0)
    if s.lock is not None:
        x.violation(s, rules.LOCK_HELD_AT_EXIT, "at exit")
    if s.references:
        x.violation(s, rules.REFERENCE_LEAK, "at exit")
    if is_pointer(value) and not x.privileged:
        x.refuse(s, rules.POINTER_LEAK, "R0 at exit")
    if x.exits is not None:
        x.exits(s)
    allowed = x.return_range
    if allowed is None:
        return
    low, high = allowed
    if is_pointer(value):
        x.refuse(s, rules.RETURN_RANGE, "R0 is a pointer")
        return
    bits = number(s, value)
    # Kernels hold the value against the range as signed numbers (verifier.c: retval_range_within).
    outside = (
        not low <= to_signed(bits, 64) <= high if isinstance(bits, int) else z3.Or(bits < low, bits > high)
    )
    if x.possible(s, outside):
        x.refuse(s, rules.RETURN_RANGE, f"R0 may be outside {low}..{high}")
