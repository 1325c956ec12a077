"""What atomic operations compute (RFC 9669, section 5.3): one value is read and another written, and nobody
comes between."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.terms.arithmetic import OPERATIONS
from oracles.terms.term import Term, choose, equal

_ARITHMETIC = frozenset({o.ADD, o.OR, o.AND, o.XOR})


def exchange(insn: Insn, old: Term, source: Term, expected: Term, bits: int) -> Term | None:
    """What memory holds afterwards, ``bits`` wide as all operands are; ``expected`` is R0.  None for a form
    that is no such operation."""
    if insn.imm & ~o.FETCH in _ARITHMETIC:
        return OPERATIONS[insn.imm & o.OP_MASK](old, source, bits)
    if insn.imm == o.XCHG:
        return source
    if insn.imm == o.CMPXCHG:
        return choose(equal(old, expected, bits), source, old, bits)
    return None


def result_register(insn: Insn) -> int | None:
    """Which register gets the old value."""
    if insn.imm == o.CMPXCHG:
        return 0
    return insn.src if insn.imm & o.FETCH else None
