"""Calls between the program's functions, exits, and what an exit has to leave behind."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.reference import callbacks, deferred, frames, helpers, kernel_functions
from oracles.reference.explorer import Explorer
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.signals import PathThrows, Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import SymbolicPointer, Value
from oracles.terms.term import to_signed


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """A call or an exit."""
    if insn.opcode & o.OP_MASK == o.EXIT:
        return leave(x, s)
    if insn.opcode & o.X:
        raise Unmodelled("indirect calls")
    if insn.src == o.CALL_LOCAL:
        frames.enter(x, s, s.pc + 1 + insn.imm, s.pc + 1)
        return [s]
    if insn.src == o.CALL_KFUNC:
        try:
            return kernel_functions.step(x, s)
        except PathThrows:
            return _throw(x, s)
    return helpers.step(x, s, insn)


def _throw(x: Explorer, s: SymbolicState) -> list[SymbolicState]:
    """bpf_throw ends the program as an exit of its main function does (check_kfunc_call, do_check)."""
    if x.facts.handler is not None or any(frame.loop is not None for frame in s.frames):
        raise Unmodelled("a function that handles exceptions, or one that is called back and throws")
    del s.frames[1:]
    s.registers[0] = s.registers[1]
    _end(x, s)
    return []


def leave(x: Explorer, s: SymbolicState) -> list[SymbolicState]:
    """EXIT, from whatever function."""
    frame = s.frame
    if frame.loop is not None and isinstance(frame.loop.extra, deferred.Later):
        x.ledger.touch(frame.entry, frame.stack.lowest, o.STACK_SIZE)
        deferred.end(x, s, frame.loop)
        return []
    if len(s.frames) == 1:
        _end(x, s)
        return []
    result = s.registers[0]
    x.ledger.touch(frame.entry, frame.stack.lowest, o.STACK_SIZE)
    if frame.loop is not None:
        return callbacks.called_back(x, s, frame.loop)
    if isinstance(result, SymbolicPointer) and result.region is frame.region:
        x.refuse(s, rules.STACK_IN_CALLER, "returned")
    frames.pop(s)
    s.scratch()
    return [s]


def _end(x: Explorer, s: SymbolicState) -> None:
    frame = s.frame
    x.ledger.touch(frame.entry, frame.stack.lowest, o.STACK_SIZE)
    value: Value = read(x, s, 0)
    if s.lock is not None:
        x.violation(s, rules.LOCK_HELD_AT_EXIT, "at exit")
    if s.sections:
        x.violation(s, rules.SECTION_AT_EXIT, f"inside a {s.sections[-1].value}")
    if s.references:
        x.violation(s, rules.REFERENCE_LEAK, "at exit")
    if is_pointer(value) and not x.facts.privileged:
        x.refuse(s, rules.POINTER_LEAK, "R0 at exit")
    if x.on_return is not None:
        x.on_return(s)
    allowed = x.facts.return_range
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
