"""What an ALU instruction computes, over terms: RFC 9669 sections 4.1 and 4.2, written from the text and for
Z3.

A second reading of the specification: nothing here comes from the interpreter's arithmetic.  ``d`` is the old
destination, ``s`` the source, both of the operation's width; so is the result.
"""

from __future__ import annotations

from collections.abc import Callable

import z3

from ebpf.byte_order import ByteOrder
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.terms.term import (
    Condition,
    Term,
    add,
    concat,
    equal,
    extract,
    low32,
    mask,
    negate,
    sign_extend,
    subtract,
    to_signed,
    z,
    zero_extend,
)

Operation = Callable[[Term, Term, int], Term]


def _multiply(d: Term, s: Term, bits: int) -> Term:
    if isinstance(d, int) and isinstance(s, int):
        return d * s & mask(bits)
    for a, c in ((d, s), (s, d)):
        if isinstance(a, int) and a in (0, 1):
            return c if a else 0
    return z(d, bits) * z(s, bits)


def _divide(d: Term, s: Term, bits: int) -> Term:
    """Unsigned; by zero gives zero (RFC 9669, section 4.1)."""
    if isinstance(s, int):
        if s == 0:
            return 0
        return d // s if isinstance(d, int) else z3.UDiv(d, z(s, bits))
    return z3.If(s == 0, z3.BitVecVal(0, bits), z3.UDiv(z(d, bits), s))


def _modulo(d: Term, s: Term, bits: int) -> Term:
    """Unsigned; by zero leaves the destination (RFC 9669, section 4.1)."""
    if isinstance(s, int):
        if s == 0:
            return d
        return d % s if isinstance(d, int) else z3.URem(d, z(s, bits))
    return z3.If(s == 0, z(d, bits), z3.URem(z(d, bits), s))


def _signed_divide(d: Term, s: Term, bits: int) -> Term:
    """Rounds towards zero; the most negative number by -1 wraps to itself; by zero gives zero."""
    if isinstance(d, int) and isinstance(s, int):
        if s == 0:
            return 0
        a, c = to_signed(d, bits), to_signed(s, bits)
        size = abs(a) // abs(c)
        return (size if (a >= 0) == (c >= 0) else -size) & mask(bits)
    if s == 0:
        return 0
    quotient = z(d, bits) / z(s, bits)  # SMT-LIB's bvsdiv, which also rounds towards zero and wraps
    return quotient if isinstance(s, int) else z3.If(s == 0, z3.BitVecVal(0, bits), quotient)


def _signed_modulo(d: Term, s: Term, bits: int) -> Term:
    """The remainder of the truncated division: it has the dividend's sign; by zero leaves the destination."""
    if isinstance(d, int) and isinstance(s, int):
        if s == 0:
            return d
        a, c = to_signed(d, bits), to_signed(s, bits)
        rest = abs(a) % abs(c)
        return (rest if a >= 0 else -rest) & mask(bits)
    if s == 0:
        return d
    return z3.SRem(z(d, bits), z(s, bits))  # SMT-LIB's bvsrem by 0 is the dividend


def _or(d: Term, s: Term, bits: int) -> Term:
    if isinstance(d, int) and isinstance(s, int):
        return d | s
    return d if s == 0 and isinstance(s, int) else z(d, bits) | z(s, bits)


def _and(d: Term, s: Term, bits: int) -> Term:
    if isinstance(d, int) and isinstance(s, int):
        return d & s
    for a, c in ((d, s), (s, d)):
        if isinstance(a, int) and a in (0, mask(bits)):
            return c if a else 0
    return z(d, bits) & z(s, bits)


def _xor(d: Term, s: Term, bits: int) -> Term:
    if isinstance(d, int) and isinstance(s, int):
        return d ^ s
    if equal(d, s, bits) is True:
        return 0
    return z(d, bits) ^ z(s, bits)


def _amount(s: Term, bits: int) -> Term:
    """Shift amounts are masked to the operation's width (RFC 9669, section 4.1)."""
    return s & (bits - 1) if isinstance(s, int) else s & z3.BitVecVal(bits - 1, bits)


def _shift_left(d: Term, s: Term, bits: int) -> Term:
    amount = _amount(s, bits)
    if isinstance(d, int) and isinstance(amount, int):
        return d << amount & mask(bits)
    return z(d, bits) << z(amount, bits)


def _shift_right(d: Term, s: Term, bits: int) -> Term:
    amount = _amount(s, bits)
    if isinstance(d, int) and isinstance(amount, int):
        return d >> amount
    return z3.LShR(z(d, bits), z(amount, bits))


def _shift_right_signed(d: Term, s: Term, bits: int) -> Term:
    amount = _amount(s, bits)
    if isinstance(d, int) and isinstance(amount, int):
        return to_signed(d, bits) >> amount & mask(bits)
    return z(d, bits) >> z(amount, bits)


OPERATIONS: dict[int, Operation] = {
    o.ADD: add, o.SUB: subtract, o.MUL: _multiply, o.DIV: _divide, o.OR: _or, o.AND: _and, o.LSH: _shift_left,
    o.RSH: _shift_right, o.MOD: _modulo, o.XOR: _xor, o.MOV: lambda d, s, bits: s,
    o.ARSH: _shift_right_signed,
    o.NEG: lambda d, s, bits: negate(d, bits),
}  # fmt: skip
"""By the operation's four bits; ``off`` 0."""
SIGNED: dict[int, Operation] = {o.DIV: _signed_divide, o.MOD: _signed_modulo}
"""With ``off`` 1 (RFC 9669, section 4.1)."""


def byte_swap(term: Term, width: int) -> Term:
    """The low ``width`` bits of a 64-bit term with their bytes in reverse order, zero-extended to 64."""
    parts = [extract(term, 8 * n + 7, 8 * n) for n in range(width // 8)]
    return zero_extend(concat(parts), width)


def _swap(insn: Insn, d: Term, order: ByteOrder) -> Term:
    """le, be and bswap (RFC 9669, section 4.2): to the machine's own order le and be only truncate."""
    wanted = ByteOrder.BIG if insn.opcode & o.X else ByteOrder.LITTLE
    swaps = insn.opcode & o.CLASS_MASK == o.ALU64 or wanted is not order
    return byte_swap(d, insn.imm) if swaps else zero_extend(extract(d, insn.imm - 1, 0), insn.imm)


def compute(insn: Insn, d: Term, s: Term, order: ByteOrder) -> Term:
    """The 64-bit result of the ALU instruction for 64-bit operands, on a machine of that byte order; ``s`` is
    not looked at when the operand is the immediate.

    The instruction is legal, and neither operand an address.
    """
    wide = insn.opcode & o.CLASS_MASK == o.ALU64
    op = insn.opcode & o.OP_MASK
    if op == o.END:
        return _swap(insn, d, order)
    bits = 64 if wide else 32
    if op != o.NEG and not insn.opcode & o.X:
        s = insn.imm & mask(bits)  # the immediate is sign-extended to the operation's width
    elif not wide:
        s = low32(s)
    if not wide:
        d = low32(d)
    if op == o.MOV and insn.off:
        return zero_extend(sign_extend(extract(s, insn.off - 1, 0), insn.off, bits), bits)
    operation = SIGNED[op] if insn.off == 1 and op in SIGNED else OPERATIONS[op]
    return zero_extend(operation(d, s, bits), bits)


def _less(d: Term, s: Term, bits: int) -> Condition:
    return d < s if isinstance(d, int) and isinstance(s, int) else z3.ULT(z(d, bits), z(s, bits))


def _less_or_equal(d: Term, s: Term, bits: int) -> Condition:
    return d <= s if isinstance(d, int) and isinstance(s, int) else z3.ULE(z(d, bits), z(s, bits))


def _signed_less(d: Term, s: Term, bits: int) -> Condition:
    if isinstance(d, int) and isinstance(s, int):
        return to_signed(d, bits) < to_signed(s, bits)
    return z(d, bits) < z(s, bits)


def _signed_less_or_equal(d: Term, s: Term, bits: int) -> Condition:
    if isinstance(d, int) and isinstance(s, int):
        return to_signed(d, bits) <= to_signed(s, bits)
    return z(d, bits) <= z(s, bits)


def _not_equal(d: Term, s: Term, bits: int) -> Condition:
    if isinstance(d, int) and isinstance(s, int):
        return d != s
    return False if equal(d, s, bits) is True else z(d, bits) != z(s, bits)


def _any_bit(d: Term, s: Term, bits: int) -> Condition:
    return _not_equal(_and(d, s, bits), 0, bits)


CONDITIONS: dict[int, Callable[[Term, Term, int], Condition]] = {
    o.JEQ: equal, o.JNE: _not_equal, o.JSET: _any_bit,
    o.JGT: lambda d, s, bits: _less(s, d, bits), o.JGE: lambda d, s, bits: _less_or_equal(s, d, bits),
    o.JLT: _less, o.JLE: _less_or_equal,
    o.JSGT: lambda d, s, bits: _signed_less(s, d, bits), o.JSGE: lambda d, s,
    bits: _signed_less_or_equal(s, d, bits),
    o.JSLT: _signed_less, o.JSLE: _signed_less_or_equal,
}  # fmt: skip
"""By the operation's four bits (RFC 9669, section 4.3); operands have the comparison's width."""


def compare(insn: Insn, d: Term, s: Term) -> Condition:
    """Whether the conditional jump is taken, for 64-bit operands; ``s`` is not looked at when the operand is
    the immediate."""
    bits = 64 if insn.opcode & o.CLASS_MASK == o.JMP else 32
    if not insn.opcode & o.X:
        s = insn.imm & mask(bits)
    elif bits == 32:
        s = low32(s)
    return CONDITIONS[insn.opcode & o.OP_MASK](low32(d) if bits == 32 else d, s, bits)
