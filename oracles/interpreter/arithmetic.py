"""Arithmetic on numbers: RFC 9669 sections 4.1 and 4.2, one function per operation and width.

Operands and results are unsigned; ``d`` is the destination's old value, ``s`` the source.  32-bit operations
see the low halves and leave a zero-extended result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ebpf.isa import opcodes as o

U64: Final = (1 << 64) - 1
U32: Final = (1 << 32) - 1
Operation = Callable[[int, int], int]


def signed(value: int, bits: int) -> int:
    """The two's complement reading of the low ``bits`` bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _truncated_quotient(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _sdiv(bits: int) -> Operation:
    mask = (1 << bits) - 1

    def sdiv(d: int, s: int) -> int:
        a, b = signed(d, bits), signed(s, bits)
        return _truncated_quotient(a, b) & mask if b else 0

    return sdiv


def _smod(bits: int) -> Operation:
    mask = (1 << bits) - 1

    def smod(d: int, s: int) -> int:
        a, b = signed(d, bits), signed(s, bits)
        return (a - b * _truncated_quotient(a, b)) & mask if b else d & mask

    return smod


ALU64: dict[int, Operation] = {
    o.ADD: lambda d, s: (d + s) & U64,
    o.SUB: lambda d, s: (d - s) & U64,
    o.MUL: lambda d, s: (d * s) & U64,
    o.DIV: lambda d, s: d // s if s else 0,
    o.OR: lambda d, s: d | s,
    o.AND: lambda d, s: d & s,
    o.LSH: lambda d, s: (d << (s & 63)) & U64,
    o.RSH: lambda d, s: d >> (s & 63),
    o.NEG: lambda d, s: -d & U64,
    o.MOD: lambda d, s: d % s if s else d,
    o.XOR: lambda d, s: d ^ s,
    o.MOV: lambda d, s: s,
    o.ARSH: lambda d, s: (signed(d, 64) >> (s & 63)) & U64,
}
ALU32: dict[int, Operation] = {
    o.ADD: lambda d, s: (d + s) & U32,
    o.SUB: lambda d, s: (d - s) & U32,
    o.MUL: lambda d, s: (d * s) & U32,
    o.DIV: lambda d, s: (d & U32) // (s & U32) if s & U32 else 0,
    o.OR: lambda d, s: (d | s) & U32,
    o.AND: lambda d, s: d & s & U32,
    o.LSH: lambda d, s: (d << (s & 31)) & U32,
    o.RSH: lambda d, s: (d & U32) >> (s & 31),
    o.NEG: lambda d, s: -d & U32,
    o.MOD: lambda d, s: (d & U32) % (s & U32) if s & U32 else d & U32,
    o.XOR: lambda d, s: (d ^ s) & U32,
    o.MOV: lambda d, s: s & U32,
    o.ARSH: lambda d, s: (signed(d, 32) >> (s & 31)) & U32,
}
SIGNED64: dict[int, Operation] = {o.DIV: _sdiv(64), o.MOD: _smod(64)}
SIGNED32: dict[int, Operation] = {o.DIV: _sdiv(32), o.MOD: _smod(32)}


def byte_swap(value: int, bits: int) -> int:
    """The low ``bits`` bits with their bytes reversed, zero-extended."""
    return int.from_bytes((value & ((1 << bits) - 1)).to_bytes(bits // 8, "little"), "big")


CONDITIONS: dict[int, Callable[[int, int, int], bool]] = {
    o.JEQ: lambda d, s, bits: d == s,
    o.JGT: lambda d, s, bits: d > s,
    o.JGE: lambda d, s, bits: d >= s,
    o.JSET: lambda d, s, bits: bool(d & s),
    o.JNE: lambda d, s, bits: d != s,
    o.JSGT: lambda d, s, bits: signed(d, bits) > signed(s, bits),
    o.JSGE: lambda d, s, bits: signed(d, bits) >= signed(s, bits),
    o.JLT: lambda d, s, bits: d < s,
    o.JLE: lambda d, s, bits: d <= s,
    o.JSLT: lambda d, s, bits: signed(d, bits) < signed(s, bits),
    o.JSLE: lambda d, s, bits: signed(d, bits) <= signed(s, bits),
}
"""Operands are already cut to ``bits`` bits."""
