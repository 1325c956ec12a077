"""Reading and writing registers, and what a pointer is as a number."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from oracles.reference.explorer import Explorer
from oracles.reference.state import SymbolicState
from oracles.reference.values import RELEASED, NoValue, Null, SymbolicPointer, Value
from oracles.terms.term import Term, add, symbol


def read(x: Explorer, s: SymbolicState, register: int) -> Value:
    """The register's content, which must have been written."""
    value = s.registers[register]
    if isinstance(value, NoValue):
        opcode = x.facts.code[s.pc].opcode
        if value is RELEASED:
            x.refuse(s, rules.UNINITIALISED_REGISTER, f"what R{register} pointed to was released")
        rule = rules.NO_RETURN_VALUE if opcode == o.EXIT | o.JMP else rules.UNINITIALISED_REGISTER
        x.violation(s, rule, f"R{register} was never written, or not since the last call")
    return value


def write(x: Explorer, s: SymbolicState, register: int, value: Value) -> None:
    """Set the register; R10 is read-only."""
    if register == 10:
        x.violation(s, rules.FRAME_POINTER_WRITTEN, "R10 is read-only")
    s.registers[register] = value


def number(s: SymbolicState, value: Value) -> Term:
    """The 64 bits of a value that was written: an address is an unknown of its own, the same for all of a
    region."""
    if isinstance(value, Null):
        return 0
    if isinstance(value, SymbolicPointer):
        s.unpredictable = True
        return add(symbol(f"address!{value.region.id}"), value.offset)
    assert not isinstance(value, NoValue)
    return value


def is_pointer(value: Value) -> bool:
    """What a kernel tracks as a pointer, null not yet told apart included."""
    return isinstance(value, SymbolicPointer | Null)
