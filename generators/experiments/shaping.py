"""The prefix of an experiment: a word of input becomes a scalar of which something, but not all, is known."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from ebpf.isa.build import R10, Register, load, load_imm64, mov32, movsx
from generators.constants import U64
from generators.experiments.bench import ExperimentBench
from generators.steps import alu

Step = Callable[[ExperimentBench, Register], None]

_COMPARISONS = (o.JGT, o.JLT, o.JSGT, o.JSLT, o.JGE, o.JLE, o.JSGE, o.JSLE, o.JEQ, o.JNE, o.JSET)


def _is_wide(bench: ExperimentBench) -> bool:
    return bench.dice.pick(4) != 3


def _mask(bench: ExperimentBench, register: Register) -> None:
    wide = _is_wide(bench)
    bench.b.emit(alu(o.AND, register, bench.small(), wide))


def _range(bench: ExperimentBench, register: Register) -> None:
    """Between two constants, in one of the four views."""
    dice = bench.dice
    below, above = dice.of(((o.JLT, o.JGT), (o.JSLT, o.JSGT)))
    if dice.pick(3) == 2:
        low = bench.small()
        high = (low + (bench.span() & 0x7FFF_FFFF)) & 0xFFFF_FFFF
        bench.seen.append(high - (1 << 32) if high >> 31 else high)
        bench.leave_if(below, o.JMP32, register, low & U64)
        bench.leave_if(above, o.JMP32, register, (high - (1 << 32) if high >> 31 else high) & U64)
        return
    low = (bench.small() if dice.pick(2) else bench.wide()) & U64
    high = (low + bench.span()) & U64
    bench.seen.append(high - (U64 + 1) if high >> 63 else high)
    bench.leave_if(below, o.JMP, register, low)
    bench.leave_if(above, o.JMP, register, high)


def _compare(bench: ExperimentBench, register: Register) -> None:
    dice = bench.dice
    cls = o.JMP32 if dice.pick(3) == 2 else o.JMP
    bench.leave_if(
        dice.of(_COMPARISONS),
        cls,
        register,
        (bench.small() if cls == o.JMP32 or dice.pick(2) else bench.wide()) & U64,
    )


def _limit(bench: ExperimentBench, register: Register) -> None:
    """At most a constant, a boundary more often than not."""
    limit = bench.wide() if bench.dice.pick(2) else bench.small() & U64
    bench.leave_if(o.JGT, o.JMP32 if bench.dice.pick(4) == 3 and limit < 1 << 31 else o.JMP, register, limit)


def _shift(bench: ExperimentBench, register: Register) -> None:
    wide = _is_wide(bench)
    amount = bench.amount(64 if wide else 32)
    bench.b.emit(alu(bench.dice.of((o.RSH, o.LSH, o.ARSH)), register, amount, wide))


def _sign(bench: ExperimentBench, register: Register) -> None:
    """All bits are the sign: -1 or 0, which the verifier follows in two states since Linux 6.19
    (maybe_fork_scalars)."""
    wide = _is_wide(bench)
    bench.b.emit(alu(o.ARSH, register, 63 if wide else 31, wide))


def _combine(bench: ExperimentBench, register: Register) -> None:
    op, wide = bench.dice.of((o.OR, o.ADD, o.XOR, o.SUB, o.MUL)), _is_wide(bench)
    bench.b.emit(alu(op, register, bench.small(), wide))


def _extend(bench: ExperimentBench, register: Register) -> None:
    """A move to itself: of 32 bits, or sign-extending."""
    width = bench.dice.of((0, 8, 16, 32)) if bench.b.profile.knows("6.6") else 0
    if width == 0:
        bench.b.emit(mov32(register, register))
    else:
        bench.b.emit(movsx(register, register, width, wide=width == 32 or not bench.dice.pick(2)))


STEPS: tuple[Step, ...] = (
    _mask, _mask, _range, _range, _range, _range, _limit, _limit, _limit, _compare, _compare, _shift, _shift,
    _combine, _combine,
    _extend, _sign,
)  # fmt: skip
"""Each as often as it is worth."""


def shape(bench: ExperimentBench, register: Register) -> None:
    """Put a shaped scalar into ``register``."""
    dice = bench.dice
    if dice.pick(12) == 11:
        bench.b.emit_wide(load_imm64(register, bench.wide()))
        return
    _load(bench, register)
    for _ in range(dice.of((1, 1, 2, 2, 3, 0))):
        dice.of(STEPS)(bench, register)


def _load(bench: ExperimentBench, register: Register) -> None:
    code = bench.dice.of((o.DW, o.DW, o.DW, o.DW, o.DW, o.W, o.H, o.B))
    signed = code != o.DW and bench.b.profile.knows("6.6") and bench.dice.pick(3) == 2
    bench.b.emit(load(code, register, R10, bench.place(register), signed=signed))
