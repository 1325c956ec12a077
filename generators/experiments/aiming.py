"""Limits at which an operation with a constant just overflows, or just does not, in one of the four views."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from generators.constants import U64
from generators.experiments.bench import ExperimentBench

_WIDE, _NARROW = (1 << 64, 1 << 63), (1 << 32, 1 << 31)

THRESHOLDS: dict[int, Callable[[int, int], int]] = {
    o.LSH: lambda top, imm: top >> imm,
    o.MUL: lambda top, imm: top // abs(imm) if imm else top,
    o.ADD: lambda top, imm: top - imm,
    o.SUB: lambda top, imm: top + imm,
}
"""By operation: the smallest operand that reaches ``top``."""


def aim(bench: ExperimentBench, op: int, imm: int, *, wide: bool) -> None:
    """Limit the operand to about where the operation overflows; a ``wide`` one seldom in its lower half, of
    which there are bounds, too."""
    dice = bench.dice
    tops = _WIDE if wide and dice.pick(4) < 3 else _NARROW
    threshold = THRESHOLDS[op](dice.of(tops), imm) + dice.pick(3) - 1
    bench.leave_if(dice.of((o.JGT, o.JSGT, o.JLT)), o.JMP, bench.d, threshold & U64)
