"""Limits at which an operation with a constant just overflows, or just does not, in one of the four views."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from generators.constants import U64
from generators.experiments.bench import ExperimentBench

_TOPS = (1 << 64, 1 << 63, 1 << 32, 1 << 31)

THRESHOLDS: dict[int, Callable[[int, int], int]] = {
    o.LSH: lambda top, imm: top >> imm,
    o.MUL: lambda top, imm: top // abs(imm) if imm else top,
    o.ADD: lambda top, imm: top - imm,
    o.SUB: lambda top, imm: top + imm,
}
"""By operation: the smallest operand that reaches ``top``."""


def aim(bench: ExperimentBench, op: int, imm: int) -> None:
    """Limit the operand to about where the operation overflows."""
    dice = bench.dice
    threshold = THRESHOLDS[op](dice.of(_TOPS), imm) + dice.pick(3) - 1
    bench.leave_if(dice.of((o.JGT, o.JSGT, o.JLT)), o.JMP, bench.d, threshold & U64)
