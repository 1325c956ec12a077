"""Rows for arithmetic and comparison: every operation, both widths, register and constant, at the edges of
each width."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Iterator
from fractions import Fraction

from tests.contract.rows import Returns, Row

UNSIGNED: dict[int, Callable[[int], ctypes.c_uint32 | ctypes.c_uint64]] = {
    32: ctypes.c_uint32,
    64: ctypes.c_uint64,
}
SIGNED: dict[int, Callable[[int], ctypes.c_int32 | ctypes.c_int64]] = {32: ctypes.c_int32, 64: ctypes.c_int64}


def _quotient(a: int, b: int) -> int:
    """Towards zero; by zero gives zero (RFC 9669, section 4.1)."""
    return int(Fraction(a, b)) if b else 0


def _remainder(a: int, b: int) -> int:
    """With the dividend's sign; by zero gives the dividend."""
    return a - b * int(Fraction(a, b)) if b else a


PLAIN: dict[str, Callable[[int, int], int]] = {
    "+=": operator.add, "-=": operator.sub, "*=": operator.mul, "|=": operator.or_, "&=": operator.and_,
    "^=": operator.xor,
    "=": lambda a, b: b, "/=": _quotient, "%=": _remainder,
}  # fmt: skip
TWO_SIGNED: dict[str, Callable[[int, int], int]] = {"s/=": _quotient, "s%=": _remainder}
SHIFTS = ("<<=", ">>=", "s>>=")

OPERANDS = (
    (7, 3),
    (0xFFFF_FFFF_FFFF_FFFF, 1),
    (0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF),
    (0xDEAD_BEEF_8000_0000, 0xFFFF_FFFF_FFFF_FFFF),
    (0x1234_5678_9ABC_DEF0, 0),
    (0xFFFF_FFFF_FFFF_FFF9, 0xAAAA_BBBB_0000_0000),
    (0x0000_0001_FFFF_FFF9, 0x5555_0000_0000_0021),
)
"""(destination, source): wrap-around, INT_MIN / -1 of both widths, zero in all 64 bits and in the low half
only, dirty upper halves."""
CONSTANTS = (
    (0xFFFF_FFFF_0000_0005, -1),
    (0x8000_0000_8000_0000, 0x7FFF_FFFF),
    (41, -0x8000_0000),
    (0x1_0000_0001, 3),
)


def result(sign: str, bits: int, a: int, b: int) -> int:
    """``a sign b`` in ``bits`` bits, zero-extended."""
    u, s = UNSIGNED[bits], SIGNED[bits]
    if sign in PLAIN:
        value = PLAIN[sign](u(a).value, u(b).value)
    elif sign in TWO_SIGNED:
        value = TWO_SIGNED[sign](s(a).value, s(b).value)
    elif sign == "<<=":
        value = u(a).value * 2 ** (b % bits)
    else:
        value = (s(a) if sign == "s>>=" else u(a)).value // 2 ** (b % bits)
    return u(value).value


def _arithmetic() -> Iterator[Row]:
    for sign in (*PLAIN, *TWO_SIGNED, *SHIFTS):
        for bits, r in ((64, "r"), (32, "w")):
            for a, b in OPERANDS:
                text = f"r0 = {a:#x}; r3 = {b:#x}; {r}0 {sign} {r}3; exit"
                yield Row(f"{r}: {a:#x} {sign} {b:#x}", text, Returns(result(sign, bits, a, b)))
            for a, imm in CONSTANTS:
                constant = imm % bits if sign in SHIFTS else imm
                text = f"r0 = {a:#x}; {r}0 {sign} {constant}; exit"
                yield Row(
                    f"{r}: {a:#x} {sign} constant {constant}", text, Returns(result(sign, bits, a, constant))
                )


COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt,
    "<=": operator.le,
    "&": lambda a, b: a & b != 0,
}  # fmt: skip
SIGNED_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "s>": operator.gt, "s>=": operator.ge, "s<": operator.lt, "s<=": operator.le,
}  # fmt: skip
COMPARED = (
    (5, 5),
    (0xFFFF_FFFF_FFFF_FFFF, 0),
    (0, 0xFFFF_FFFF_FFFF_FFFF),
    (0x1_0000_0000, 0),
    (0x7FFF_FFFF, 0x8000_0000),
    (0x2_8000_0000, 0x1_7FFF_FFFF),
)
COMPARED_CONSTANTS = (
    (0xFFFF_FFFF, -1),
    (0xFFFF_FFFF_FFFF_FFFF, -1),
    (0x7_0000_0004, 4),
    (0xFFFF_FFFF_8000_0000, 0x7FFF_FFFF),
)


def holds(sign: str, bits: int, a: int, b: int) -> bool:
    """Whether ``a sign b`` in ``bits`` bits."""
    if sign in COMPARISONS:
        return COMPARISONS[sign](UNSIGNED[bits](a).value, UNSIGNED[bits](b).value)
    return SIGNED_COMPARISONS[sign](SIGNED[bits](a).value, SIGNED[bits](b).value)


def _comparisons() -> Iterator[Row]:
    for sign in (*COMPARISONS, *SIGNED_COMPARISONS):
        for bits, r in ((64, "r"), (32, "w")):
            for a, b in COMPARED:
                text = f"r3 = {a:#x}; r4 = {b:#x}; r0 = 1; if {r}3 {sign} {r}4 goto pc+1; r0 = 0; exit"
                yield Row(f"if {r}: {a:#x} {sign} {b:#x}", text, Returns(int(holds(sign, bits, a, b))))
            for a, imm in COMPARED_CONSTANTS:
                text = f"r3 = {a:#x}; r0 = 1; if {r}3 {sign} {imm} goto pc+1; r0 = 0; exit"
                yield Row(
                    f"if {r}: {a:#x} {sign} constant {imm}", text, Returns(int(holds(sign, bits, a, imm)))
                )


def _unary() -> Iterator[Row]:
    value = 0x8182_8385_8487_8688
    raw = value.to_bytes(8, "little")
    for width in (16, 32, 64):
        low = raw[: width // 8]
        reversed_, kept = int.from_bytes(low, "big"), int.from_bytes(low, "little")
        for name, expected in (("be", reversed_), ("le", kept), ("bswap", reversed_)):
            yield Row(f"{name}{width}", f"r0 = {value:#x}; r0 = {name}{width} r0; exit", Returns(expected))
    for bits, r in ((64, "r"), (32, "w")):
        for a in (1, 0, 1 << 63, 0xFFFF_FFFF_8000_0000):
            text = f"r0 = {a:#x}; {r}0 = -{r}0; exit"
            yield Row(f"-{r} of {a:#x}", text, Returns(UNSIGNED[bits](-a).value))
        for width, narrow in ((8, ctypes.c_int8), (16, ctypes.c_int16), (32, ctypes.c_int32)):
            for a in (0x7F7F_7F7F_7F7F_7F7F, value):
                if width < bits:
                    text = f"r3 = {a:#x}; r0 = -1; {r}0 = (s{width}){r}3; exit"
                    yield Row(
                        f"{r} = (s{width}) {a:#x}", text, Returns(UNSIGNED[bits](narrow(a).value).value)
                    )


ROWS: tuple[Row, ...] = (*_arithmetic(), *_comparisons(), *_unary())
