"""A branch of which one side is impossible by what several instructions together say of a number, and which
does harm on that side: a kernel that loses part of what they say walks it, and refuses the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ebpf.isa import opcodes as o
from ebpf.isa.build import R10, Register, goto, jump, jump32, load, mov32
from ebpf.isa.insn import Insn
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import IMMEDIATES, S32_MAX
from generators.dice import Dice
from generators.layout import INPUT_BASE
from generators.productions.table import Production
from generators.state import U64
from generators.steps import alu

U32 = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What is certain of an unsigned 64-bit number: bits that are set or clear, and an interval."""

    ones: int = 0
    zeros: int = 0
    low: int = 0
    high: int = U64

    def tightened(self) -> NumberFacts:
        """The same, with what the bits say of the interval."""
        return replace(self, low=max(self.low, self.ones), high=min(self.high, U64 & ~self.zeros))


Step = Callable[[Builder, Dice, Register, NumberFacts], NumberFacts]
_MASKS = tuple(imm for imm in IMMEDIATES if imm > 0)
"""Positive, so that they say the same in both widths."""


def _set_bits(b: Builder, dice: Dice, register: Register, known: NumberFacts) -> NumberFacts:
    imm = dice.of(_MASKS)
    b.emit(alu(o.OR, register, imm, True))
    return NumberFacts(known.ones | imm, known.zeros & ~imm, max(known.low, imm))


def _clear_bits(b: Builder, dice: Dice, register: Register, known: NumberFacts) -> NumberFacts:
    imm = ~dice.of(_MASKS) if dice.pick(2) else dice.of(_MASKS)
    b.emit(alu(o.AND, register, imm, True))
    mask = imm & U64
    return NumberFacts(known.ones & mask, known.zeros | (U64 & ~mask), 0, min(known.high, mask))


def _test_bits(b: Builder, dice: Dice, register: Register, known: NumberFacts) -> NumberFacts:
    """Leave where one of some bits is set that may be clear."""
    imm = dice.of(_MASKS) & ~known.ones
    if not imm:
        return known
    compare = jump if dice.pick(2) else jump32
    b.leave_to_exit(compare(o.JSET, register, imm))
    return replace(known, zeros=known.zeros | imm)


def _limit_above(b: Builder, dice: Dice, register: Register, known: NumberFacts) -> NumberFacts:
    imm = dice.of(_MASKS)
    if imm < known.low:
        return known
    b.leave_to_exit(jump(o.JGT, register, imm))
    return replace(known, high=min(known.high, imm))


def _limit_below(b: Builder, dice: Dice, register: Register, known: NumberFacts) -> NumberFacts:
    imm = dice.of(_MASKS)
    if imm > known.high:
        return known
    b.leave_to_exit(jump(o.JLT, register, imm))
    return replace(known, low=max(known.low, imm))


def _keep_low_half(b: Builder, dice: Dice, register: Register, known: NumberFacts) -> NumberFacts:
    b.emit(mov32(register, register))
    fits = known.high <= U32
    return NumberFacts(
        known.ones & U32, known.zeros | U64 & ~U32, known.low if fits else 0, min(known.high, U32)
    )


def _shift_right(b: Builder, dice: Dice, register: Register, known: NumberFacts) -> NumberFacts:
    by = dice.of((1, 3, 8, 16, 32, 33, 48, 63))
    b.emit(alu(o.RSH, register, by, True))
    return NumberFacts(
        known.ones >> by, known.zeros >> by | U64 & ~(U64 >> by), known.low >> by, known.high >> by
    )


_STEPS: tuple[Step, ...] = (
    _set_bits, _test_bits, _clear_bits, _set_bits, _test_bits, _clear_bits, _limit_above, _limit_below,
    _keep_low_half, _shift_right,
)  # fmt: skip
"""What is learned of bits alone, twice as often: the interval has to follow from it."""
MAX_STEPS = 4


def _near(dice: Dice, low: int, high: int) -> int:
    """A positive immediate from ``low`` to ``high``, often at one of the two ends."""
    high = min(high, S32_MAX)
    return dice.of((low, high, *(imm for imm in _MASKS if low <= imm <= high)))


def _impossible(dice: Dice, known: NumberFacts) -> tuple[int, int] | None:
    """(operation, immediate) of a comparison that never holds."""
    options = []
    if known.low:
        options.append((o.JLE, _near(dice, 0, known.low - 1)))
    if known.high < S32_MAX:
        options.append((o.JGE, _near(dice, known.high + 1, S32_MAX)))
    if bits := known.zeros & S32_MAX:
        options.append((o.JSET, bits & dice.of(_MASKS) or bits))
    return dice.of(options) if options else None


_OPPOSITE = {o.JLE: o.JGT, o.JGE: o.JLT, o.JEQ: o.JNE}
_SIGNED = {o.JLE: o.JSLE, o.JGT: o.JSGT, o.JGE: o.JSGE, o.JLT: o.JSLT}


def _comparison(b: Builder, dice: Dice, register: Register, op: int, imm: int, known: NumberFacts) -> Insn:
    """The same in another signedness or width where that makes no difference."""
    if dice.pick(3) == 2 and known.high <= U64 >> 1:
        op = _SIGNED.get(op, op)
    narrow = known.high <= U32 and (op not in _SIGNED.values() or known.high <= S32_MAX)
    # Before 6.8 ranges of 64 bits say less of the low half (kernel/bpf/verifier.c, is_branch_taken).
    return (jump32 if narrow and b.profile.knows("6.8") and dice.pick(2) else jump)(op, register, imm)


def _dead_branch(b: Builder, dice: Dice) -> bool:
    with b.attempt() as attempt:
        register = dice.of(b.state.targets())
        if INPUT_BASE in b.state.slots and dice.pick(2):
            b.emit(load(o.DW, register, R10, INPUT_BASE + 8 * dice.pick(8)))
        known = NumberFacts()
        for _ in range(2 + dice.pick(MAX_STEPS - 1)):
            known = dice.of(_STEPS)(b, dice, register, known).tightened()
        impossible = _impossible(dice, known)
        if impossible is None or known.low > known.high:
            return False
        op, imm = impossible
        if op != o.JSET and b.profile.knows("6.8") and dice.pick(3) == 2:
            # Older kernels compare with constants only.
            op = o.JEQ
        if op in _OPPOSITE and dice.pick(2):
            past = b.branch(_comparison(b, dice, register, _OPPOSITE[op], imm, known))
        else:
            there = b.branch(_comparison(b, dice, register, op, imm, known))
            past = b.skip(goto())
            b.resume(there)
        b.emit_breaking(load(o.B, register, register, 0))
        b.resume(past)
        attempt.keep()
    return attempt.kept


_NEEDS = (needs.PRIVILEGED, needs.TARGET)
PRODUCTIONS = (Production("dead-branch", 3, _dead_branch, _NEEDS),)
