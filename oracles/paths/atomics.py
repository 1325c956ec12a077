"""Atomic operations on the stack (RFC 9669, section 5.3): one value is read and another written, and nobody
comes between."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.reference.arithmetic import compute
from oracles.reference.terms import Term, choose, equal, extract, zero_extend

_ARITHMETIC = {o.ADD, o.OR, o.AND, o.XOR}


def written(insn: Insn, old: Term, source: Term, expected: Term) -> Term | None:
    """What memory holds afterwards, both zero-extended to 64 bits; ``expected`` is R0.  None for an operation
    not modelled."""
    bits = 8 * o.SIZE_BYTES[insn.opcode & o.SIZE_MASK]
    op = insn.imm & ~o.FETCH
    if op in _ARITHMETIC:
        return compute(Insn(op | o.X | (o.ALU64 if bits == 64 else o.ALU)), old, source)
    new = zero_extend(extract(source, bits - 1, 0), bits)
    if insn.imm == o.XCHG:
        return new
    if insn.imm == o.CMPXCHG:
        same = equal(extract(old, bits - 1, 0), extract(expected, bits - 1, 0), bits)
        return choose(same, new, old)
    return None


def result_register(insn: Insn) -> int | None:
    """Which register gets the old value."""
    if insn.imm == o.CMPXCHG:
        return 0
    return insn.src if insn.imm & o.FETCH else None
