"""Terms: bit-vectors of a stated width, as a Python number where every bit is known and as a Z3 expression
where not.

Numbers are unsigned.  Each function folds numbers itself, since a run of a verified program is mostly
constants and Z3's expressions cost a hundred times more than Python's.  Conditions are ``bool`` or
``z3.BoolRef`` in the same way.
"""

from __future__ import annotations

from typing import TypeAlias

import z3

Term: TypeAlias = int | z3.BitVecRef
Condition: TypeAlias = bool | z3.BoolRef


def mask(bits: int) -> int:
    """``bits`` ones."""
    return (1 << bits) - 1


def to_signed(value: int, bits: int) -> int:
    """The two's complement reading of an unsigned ``bits``-bit number."""
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def z(term: Term, bits: int = 64) -> z3.BitVecRef:
    """``term`` as a Z3 expression of ``bits`` bits."""
    return z3.BitVecVal(term, bits) if isinstance(term, int) else term


def name_of(term: Term) -> str:
    """The term written out whole, so that two terms of one name are the same (``str`` of a Z3 expression
    leaves out what lies deep)."""
    return str(term) if isinstance(term, int) else str(term.sexpr())


def symbol(name: str, bits: int = 64) -> z3.BitVecRef:
    """A fresh unknown; the same name gives the same unknown."""
    return z3.BitVec(name, bits)


def add(a: Term, b: Term, bits: int = 64) -> Term:
    """Sum, wrapping.  Constants that are added one after the other are folded, so that offsets stay small
    expressions."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int) and isinstance(b, int):
        return (a + b) & mask(bits)
    assert not isinstance(a, int)
    if isinstance(b, int):
        if b == 0:
            return a
        if z3.is_app_of(a, z3.Z3_OP_BADD) and a.num_args() == 2 and z3.is_bv_value(a.arg(1)):
            inner = (a.arg(1).as_long() + b) & mask(bits)
            return a.arg(0) if inner == 0 else a.arg(0) + z3.BitVecVal(inner, bits)
        return a + z3.BitVecVal(b, bits)
    return a + b


def negate(a: Term, bits: int = 64) -> Term:
    """Two's complement negation."""
    return -a & mask(bits) if isinstance(a, int) else -a


def subtract(a: Term, b: Term, bits: int = 64) -> Term:
    """Difference, wrapping."""
    if isinstance(b, int):
        return add(a, -b & mask(bits), bits)
    return z(a, bits) - b


def extract(a: Term, high: int, low: int) -> Term:
    """Bits ``high`` down to ``low``, both inclusive."""
    if isinstance(a, int):
        return a >> low & mask(high - low + 1)
    if low == 0 and high == a.size() - 1:
        return a
    if z3.is_app_of(a, z3.Z3_OP_CONCAT):
        # A part of a concatenation that lies within one of its operands is a part of that operand.
        at = a.size()
        for operand in a.children():
            at -= operand.size()
            if low >= at:
                return (
                    extract(_folded(operand), high - at, low - at)
                    if high < at + operand.size()
                    else z3.Extract(high, low, a)
                )
    if z3.is_app_of(a, z3.Z3_OP_EXTRACT):
        base = a.params()[1]
        return z3.Extract(high + base, low + base, a.arg(0))
    if z3.is_app_of(a, z3.Z3_OP_ZERO_EXT) and high < a.arg(0).size():
        return extract(a.arg(0), high, low)
    return z3.Extract(high, low, a)


def _folded(term: z3.BitVecRef) -> Term:
    return term.as_long() if z3.is_bv_value(term) else term


def zero_extend(a: Term, width: int, to: int = 64) -> Term:
    """From ``width`` to ``to`` bits, zeros above."""
    return a if isinstance(a, int) or width == to else z3.ZeroExt(to - width, a)


def sign_extend(a: Term, width: int, to: int = 64) -> Term:
    """From ``width`` to ``to`` bits, copies of the sign above."""
    if isinstance(a, int):
        return to_signed(a, width) & mask(to)
    return a if width == to else z3.SignExt(to - width, a)


def low32(a: Term) -> Term:
    """The low half, 32 bits."""
    return extract(a, 31, 0)


def concat(parts: list[Term], bits: int = 8) -> Term:
    """Terms of ``bits`` bits each, the most significant first."""
    if all(isinstance(part, int) for part in parts):
        value = 0
        for part in parts:
            assert isinstance(part, int)
            value = value << bits | part
        return value
    return z3.Concat(*[z(part, bits) for part in parts]) if len(parts) > 1 else parts[0]


def conjunction(*conditions: Condition) -> Condition:
    """All of them."""
    symbolic = []
    for condition in conditions:
        if condition is False:
            return False
        if condition is not True:
            symbolic.append(condition)
    if not symbolic:
        return True
    return symbolic[0] if len(symbolic) == 1 else z3.And(*symbolic)


def disjunction(*conditions: Condition) -> Condition:
    """Any of them."""
    return negation(conjunction(*[negation(condition) for condition in conditions]))


def negation(condition: Condition) -> Condition:
    """Its opposite."""
    if isinstance(condition, bool):
        return not condition
    return condition.arg(0) if z3.is_not(condition) else z3.Not(condition)


def b(condition: Condition) -> z3.BoolRef:
    """``condition`` as a Z3 expression."""
    return z3.BoolVal(condition) if isinstance(condition, bool) else condition


def equal(a: Term, b: Term, bits: int = 64) -> Condition:
    """Whether they are the same number."""
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    if not isinstance(a, int) and not isinstance(b, int) and a.eq(b):
        return True
    return z(a, bits) == z(b, bits)


def choose(condition: Condition, yes: Term, no: Term, bits: int = 64) -> Term:
    """``yes`` where the condition holds, else ``no``."""
    if isinstance(condition, bool):
        return yes if condition else no
    return z3.If(condition, z(yes, bits), z(no, bits))
