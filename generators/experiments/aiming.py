"""Limits at which an operation with a constant just overflows, or just does not, in one of the four views."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from generators.constants import U64
from generators.experiments.bench import ExperimentBench
from generators.overflows import THRESHOLDS, TOPS


def aim(bench: ExperimentBench, op: int, imm: int, *, wide: bool) -> None:
    """Limit the operand to about where the operation overflows; a ``wide`` one seldom in its lower half, of
    which there are bounds, too."""
    dice = bench.dice
    tops = TOPS[64 if wide and dice.pick(4) < 3 else 32]
    threshold = THRESHOLDS[op](dice.of(tops), imm) + dice.pick(3) - 1
    bench.leave_if(dice.of((o.JGT, o.JSGT, o.JLT)), o.JMP, bench.d, threshold & U64)
