"""Productions that shape scalars: all of ALU and ALU64, on constants and registers."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from generators.builder import Builder
from generators.constants import U64, immediate, word
from generators.dice import Dice
from generators.productions.table import Production
from generators.state import ANY, Number

_BINARY = (o.ADD, o.AND, o.OR, o.XOR, o.SUB, o.LSH, o.RSH, o.ARSH, o.MUL, o.DIV, o.MOD)
_SIGNED = (o.DIV, o.MOD)


def _range_after(op: int, old: Number, imm: int, bits: int) -> Number:
    """The interval after an operation with a constant, where kernels are known to follow it; otherwise
    anything."""
    mask = (1 << bits) - 1
    top = Number(0, mask)
    if old.high > mask:
        old = top
    if op == o.AND and imm >= 0:
        return Number(0, min(old.high, imm))
    if op == o.RSH:
        return Number(old.low >> imm, old.high >> imm)
    if op == o.LSH and old.high << imm <= mask:
        return Number(old.low << imm, old.high << imm)
    if op == o.ADD and imm >= 0 and old.high + imm <= mask >> 1:
        return Number(old.low + imm, old.high + imm)
    return top


def _constant(op: int, bits: int, signed: bool, dice: Dice) -> int:
    if op in (o.LSH, o.RSH, o.ARSH):
        return dice.of((1, 2, 4, 8, 16, 24, 31, bits // 2, bits - 1, 3, 5, 7, 0)) % bits
    imm = immediate(dice)
    return imm or 1 if op in (o.DIV, o.MOD) else imm


def _binary_constant(b: Builder, dice: Dice) -> bool:
    targets = [r for r in b.state.numbers() if r not in b.state.pinned]
    if not targets:
        return False
    register, wide, op = dice.of(targets), dice.pick(2) == 0, dice.of(_BINARY)
    signed = op in _SIGNED and b.profile.knows("6.6") and dice.pick(2) == 1
    bits = 64 if wide else 32
    imm = _constant(op, bits, signed, dice)
    old = b.state.registers[register]
    assert isinstance(old, Number)
    b.emit(op | o.K | (o.ALU64 if wide else o.ALU), register, off=int(signed), imm=imm)
    b.state.registers[register] = _range_after(op, old, imm, bits)
    return True


def _binary_register(b: Builder, dice: Dice) -> bool:
    numbers = b.state.numbers()
    targets = [r for r in numbers if r not in b.state.pinned]
    if not targets:
        return False
    register, source, wide, op = dice.of(targets), dice.of(numbers), dice.pick(2) == 0, dice.of(_BINARY)
    if op in (o.LSH, o.RSH, o.ARSH) and register == source:
        return False
    signed = op in _SIGNED and b.profile.knows("6.6") and dice.pick(2) == 1
    b.emit(op | o.X | (o.ALU64 if wide else o.ALU), register, source, off=int(signed))
    b.state.registers[register] = ANY if wide else Number(0, 0xFFFF_FFFF)
    return True


def _move_constant(b: Builder, dice: Dice) -> bool:
    free = b.free()
    if not free:
        return False
    register, form = dice.of(free), dice.pick(3)
    if form == 2:
        number = word(dice)
        b.wide(register, number)
    else:
        imm = immediate(dice)
        b.emit(o.MOV | o.K | (o.ALU if form else o.ALU64), register, imm=imm)
        number = imm & (0xFFFF_FFFF if form else U64)
    b.set_number(register, number, number)
    return True


def _move_register(b: Builder, dice: Dice) -> bool:
    numbers, free = b.state.numbers(), b.free()
    if not numbers or not free:
        return False
    source, register, form = dice.of(numbers), dice.of(free), dice.pick(4)
    content = b.state.registers[source]
    assert isinstance(content, Number)
    if form == 3 and b.profile.knows("6.6"):
        wide = dice.pick(2) == 0
        width = dice.of((8, 16, 32) if wide else (8, 16))
        b.emit(o.MOV | o.X | (o.ALU64 if wide else o.ALU), register, source, off=width)
        kept = content.high < 1 << (width - 1)
        b.state.registers[register] = content if kept else (ANY if wide else Number(0, 0xFFFF_FFFF))
    elif form == 2:
        b.emit(o.MOV | o.X | o.ALU, register, source)
        b.state.registers[register] = content if content.high <= 0xFFFF_FFFF else Number(0, 0xFFFF_FFFF)
    else:
        b.emit(o.MOV | o.X | o.ALU64, register, source)
        b.state.registers[register] = content
    return True


def _unary(b: Builder, dice: Dice) -> bool:
    targets = [r for r in b.state.numbers() if r not in b.state.pinned]
    if not targets:
        return False
    register, form = dice.of(targets), dice.pick(5)
    if form < 2:
        b.emit(o.NEG | o.K | (o.ALU if form else o.ALU64), register)
        b.state.registers[register] = Number(0, 0xFFFF_FFFF) if form else ANY
        return True
    width = dice.of((16, 32, 64))
    if form == 4 and b.profile.knows("6.6"):
        b.emit(o.END | o.K | o.ALU64, register, imm=width)
    else:
        b.emit(o.END | (o.X if form == 3 else o.K) | o.ALU, register, imm=width)
    b.set_number(register, 0, (1 << width) - 1)
    return True


def _linked_copy(b: Builder, dice: Dice) -> bool:
    """``r1 = r0; r1 += k``: since Linux 6.11 the two stay linked, and a branch on one narrows the other."""
    numbers, free = b.state.numbers(), b.free()
    if not numbers or len(free) < 2:
        return False
    source = dice.of(numbers)
    register = dice.of([r for r in free if r != source])
    content = b.state.registers[source]
    assert isinstance(content, Number)
    narrow = dice.pick(3) == 2
    imm = dice.of((1, 4, 8, -1, -4, 16, 100, 0x7FFF_FFFF, -0x8000_0000))
    b.emit(o.MOV | o.X | (o.ALU if narrow else o.ALU64), register, source)
    b.emit(o.ADD | o.K | (o.ALU if narrow or dice.pick(4) == 3 else o.ALU64), register, imm=imm)
    b.state.registers[register] = ANY
    return True


PRODUCTIONS = (
    Production("move-constant", 4, _move_constant),
    Production("binary-constant", 14, _binary_constant),
    Production("binary-register", 10, _binary_register),
    Production("move-register", 5, _move_register),
    Production("unary", 4, _unary),
    Production("linked-copy", 2, _linked_copy),
)
