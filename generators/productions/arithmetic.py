"""Productions that shape scalars: all of ALU and ALU64, on constants and registers."""

from __future__ import annotations

from ebpf.domains.limits import signed32
from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    Register,
    byte_swap,
    jump,
    jump32,
    load_imm64,
    mov32,
    mov64,
    movsx,
    neg,
    to_big_endian,
    to_little_endian,
)
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import S32_MAX, S32_MIN, immediate, word
from generators.dice import Dice
from generators.overflows import THRESHOLDS, TOPS
from generators.productions.table import Production
from generators.state import ANY, Number
from generators.steps import alu
from generators.transfer.jumps import outcomes

_BINARY = (o.ADD, o.AND, o.OR, o.XOR, o.SUB, o.LSH, o.RSH, o.ARSH, o.MUL, o.DIV, o.MOD)
_SIGNED = (o.DIV, o.MOD)
_SHIFTS = (o.LSH, o.RSH, o.ARSH)


def _constant(op: int, bits: int, dice: Dice) -> int:
    if op in _SHIFTS:
        return dice.of((1, 2, 4, 8, 16, 24, 31, bits // 2, bits - 1, 3, 5, 7, 0)) % bits
    imm = immediate(dice)
    return imm or 1 if op in (o.DIV, o.MOD) else imm


def _at_the_edge(op: int, bits: int, known: Number, dice: Dice) -> int | None:
    """A constant with which the result just fits its width, or just does not, or changes sign; None where
    none is known."""
    width, near = min(known.high.bit_length(), bits), dice.pick(3) - 1
    if op == o.LSH:
        return max(0, min(bits - 1, bits - width + near))
    if op in (o.RSH, o.ARSH):
        return max(0, min(bits - 1, width + near))
    limit = (1 << dice.of((bits - 1, bits, 31, 32))) - 1
    if op == o.MUL:
        number = limit // max(known.high, 1) + near
    elif op in (o.AND, o.OR, o.XOR):
        number = (1 << width) + near
    elif op in (o.ADD, o.SUB):
        number = dice.of((limit - known.high, -known.low, -known.high)) + near
    else:
        return None
    return number if S32_MIN <= number <= S32_MAX else None


def _limit_and_apply(b: Builder, dice: Dice, register: Register, op: int, wide: bool) -> bool:
    """A number of which little is known, limited by a branch to where the operation with a constant just
    overflows its width, or just does not, and the operation."""
    bits = 64 if wide else 32
    imm = 1 + dice.pick(bits - 1) if op == o.LSH else immediate(dice)
    limit = THRESHOLDS[op](dice.of(TOPS[bits]), imm) + dice.pick(3) - 1 & (1 << bits) - 1
    with b.attempt() as attempt:
        if not wide:
            condition = jump32(o.JGT, register, signed32(limit))
        elif limit <= S32_MAX:
            condition = jump(o.JGT, register, limit)
        else:
            free = [each for each in b.state.free() if each != register]
            if not free:
                return False
            other = dice.of(free)
            b.emit_wide(load_imm64(other, limit))
            condition = jump(o.JGT, register, other)
        if outcomes(b.state, condition)[1] is None:
            return False
        b.leave_to_exit(condition)
        b.emit(alu(op, register, imm, wide))
        attempt.keep()
    return attempt.kept


def _binary_constant(b: Builder, dice: Dice) -> bool:
    register, wide, op = dice.of(b.state.targets()), dice.pick(2) == 0, dice.of(_BINARY)
    signed = op in _SIGNED and b.profile.knows("6.6") and dice.pick(2) == 1
    bits = 64 if wide else 32
    known, at_edge = b.state.number(register), dice.pick(4) == 3
    if at_edge and op in THRESHOLDS and known == ANY and b.privileged:
        return _limit_and_apply(b, dice, register, op, wide)
    constant = _at_the_edge(op, bits, known, dice) if at_edge else None
    if constant is None:
        constant = _constant(op, bits, dice)
    b.emit(alu(op, register, constant, wide, signed=signed))
    return True


def _choose_by_sign(b: Builder, dice: Dice) -> bool:
    """All ones or zero by the sign of a number, and bits of that: what compilers make of ``a < 0 ? b : c``,
    of which newer verifiers walk both cases (maybe_fork_scalars())."""
    register, wide = dice.of(b.state.targets()), dice.pick(3) < 2
    b.emit(alu(o.ARSH, register, 63 if wide else 31, wide))
    b.emit(alu(dice.of((o.AND, o.OR, o.XOR, o.ADD)), register, immediate(dice), wide))
    if b.privileged and dice.pick(2):
        op = dice.of((o.JSLT, o.JSGE, o.JEQ, o.JGT))
        condition = (jump if wide else jump32)(op, register, dice.of((0, 1, -1)))
        if outcomes(b.state, condition)[1] is not None:
            b.leave_to_exit(condition)
    return True


def _binary_register(b: Builder, dice: Dice) -> bool:
    register, source = dice.of(b.state.targets()), dice.of(b.state.numbers())
    wide, op = dice.pick(2) == 0, dice.of(_BINARY)
    if op in _SHIFTS and register == source:
        return False
    signed = op in _SIGNED and b.profile.knows("6.6") and dice.pick(2) == 1
    b.emit(alu(op, register, source, wide, signed=signed))
    return True


def _move_constant(b: Builder, dice: Dice) -> bool:
    register, form = dice.of(b.state.free()), dice.pick(3)
    if form == 2:
        b.emit_wide(load_imm64(register, word(dice)))
    else:
        b.emit((mov32 if form else mov64)(register, immediate(dice)))
    return True


def _move_register(b: Builder, dice: Dice) -> bool:
    source, register, form = dice.of(b.state.numbers()), dice.of(b.state.free()), dice.pick(4)
    if form == 3 and b.profile.knows("6.6"):
        wide = dice.pick(2) == 0
        b.emit(movsx(register, source, dice.of((8, 16, 32) if wide else (8, 16)), wide=wide))
    else:
        b.emit((mov32 if form == 2 else mov64)(register, source))
    return True


def _unary(b: Builder, dice: Dice) -> bool:
    register, form = dice.of(b.state.targets()), dice.pick(5)
    if form < 2:
        b.emit(neg(register, wide=not form))
        return True
    width = dice.of((16, 32, 64))
    swap = to_big_endian if form == 3 else to_little_endian
    if form == 4 and b.profile.knows("6.6"):
        swap = byte_swap
    b.emit(swap(register, width))
    return True


def _linked_copy(b: Builder, dice: Dice) -> bool:
    """``r1 = r0; r1 += k``: since Linux 6.11 the two stay linked, and a branch on one narrows the other."""
    free = b.state.free()
    if len(free) < 2:
        return False
    source = dice.of(b.state.numbers())
    register = dice.of([r for r in free if r != source])
    narrow = dice.pick(3) == 2
    imm = dice.of((1, 4, 8, -1, -4, 16, 100, 0x7FFF_FFFF, -0x8000_0000))
    b.emit((mov32 if narrow else mov64)(register, source))
    b.emit(alu(o.ADD, register, imm, not (narrow or dice.pick(4) == 3)))
    b.widen(register)
    return True


PRODUCTIONS = (
    Production("move-constant", 4, _move_constant, (needs.FREE,)),
    Production("binary-constant", 14, _binary_constant, (needs.TARGET,)),
    Production("binary-register", 10, _binary_register, (needs.TARGET,)),
    Production("move-register", 5, _move_register, (needs.SCALAR, needs.FREE)),
    Production("choice-by-sign", 2, _choose_by_sign, (needs.TARGET,)),
    Production("unary", 4, _unary, (needs.TARGET,)),
    Production("linked-copy", 2, _linked_copy, (needs.SCALAR, needs.FREE)),
)
