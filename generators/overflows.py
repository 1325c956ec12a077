"""Where an operation with a constant just overflows: its smallest operand that does."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o

TOPS = {64: (1 << 64, 1 << 63), 32: (1 << 32, 1 << 31)}
"""By width: what an unsigned result of it does not reach, and a signed one."""

THRESHOLDS: dict[int, Callable[[int, int], int]] = {
    o.LSH: lambda top, imm: top >> imm,
    o.MUL: lambda top, imm: top // abs(imm) if imm else top,
    o.ADD: lambda top, imm: top - imm,
    o.SUB: lambda top, imm: top + imm,
}
"""By operation: the smallest operand that reaches ``top``."""
