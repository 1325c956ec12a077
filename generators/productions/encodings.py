"""Productions that are hard to encode: immediates at the edges of what machines hold in one instruction,
offsets and jumps beyond them, and all argument registers.

A JIT splits each of these in a way of its own (8 and 32 bits on x86-64, 12 on arm64 and riscv64, 16 on
powerpc64, 20 on s390x).
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R5, add64, alu64, leave, load, mov32, mov64, store
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import S32_MAX, S32_MIN, immediate
from generators.dice import Dice
from generators.productions.branches import comparison
from generators.productions.table import Production
from generators.scopes import StaticFunction
from generators.state import PointerKind
from generators.steps import SIZES, alu
from generators.transfer.jumps import outcomes

_OPERATIONS = (o.ADD, o.SUB, o.AND, o.OR, o.XOR, o.MUL, o.MOV)
_JOINING = (o.ADD, o.SUB, o.XOR, o.OR, o.AND, o.MUL)


def _edges(*bits: int) -> tuple[int, ...]:
    """Numbers around each power of two and its negative, as signed immediates."""
    found = {sign * (1 << n) + step for n in bits for sign in (1, -1) for step in (-1, 0, 1)}
    return tuple(
        sorted((number for number in found if S32_MIN <= number <= S32_MAX), key=lambda n: (abs(n), n))
    )


EDGES = (*_edges(7, 8, 11, 12, 15, 16, 19, 20, 24, 31), 0x7FF, 0x12345000, 0x00FFF000, 0x7FFF8000)
"""Among them numbers of which one half, or all but the low twelve bits, are zero."""
DISTANCES = (*_edges(7, 8, 11, 12, 14), 32_600, -32_600)
"""From where a pointer points to what is accessed through it."""
LONG = (150, 300, 600)
"""Instructions that a branch leads over: conditional branches reach 4 KiB on riscv64, a short jump 128 bytes
on x86-64."""
LONG_IN = 3
"""One long jump in so many chosen: it is as long as several programs."""


def _edge(b: Builder, dice: Dice) -> bool:
    register, op, wide = dice.of(b.state.targets()), dice.of(_OPERATIONS), dice.pick(2) == 0
    number = dice.of(EDGES)
    if op == o.MOV:
        b.emit((mov64 if wide else mov32)(register, number))
    else:
        b.emit(alu(op, register, number, wide))
    return True


def _far_offset(b: Builder, dice: Dice) -> bool:
    """The pointer is moved away, and the offset leads back."""
    code, size = dice.of(SIZES)
    fitting = [r for r in b.state.pointers(PointerKind.MAP_VALUE) if b.state.pointer(r).size >= size]
    free, numbers = b.state.free(), b.state.numbers()
    if not fitting or not free:
        return False
    base, address, distance = dice.of(fitting), dice.of(free), dice.of(DISTANCES)
    if b.profile.knows("7.1"):
        # A pointer before its value has a range of huge numbers there (docs/known-issues.md).
        distance = -abs(distance)
    offset = distance + dice.pick(min(b.state.pointer(base).size, 64) - size + 1) // size * size
    stored = dice.of([r for r in numbers if r != address] or [base])
    b.emit(mov64(address, base))
    b.emit(add64(address, -distance))
    if stored != base and dice.pick(3) == 2:
        b.emit(store(code, address, offset, stored))
        b.drop(address)
        b.emit(mov64(address, 0))
    else:
        b.emit(load(code, address, address, offset))
    return True


def _long_jump(b: Builder, dice: Dice) -> bool:
    if dice.pick(LONG_IN) or len(b.insns) > LONG[0]:
        return False
    condition = comparison(b, dice)
    if None in outcomes(b.state, condition):
        return False
    register, start, op = dice.of(b.state.targets()), dice.pick(len(EDGES)), dice.of((o.ADD, o.XOR, o.SUB))
    taken = b.branch(condition)
    for number in range(dice.of(LONG)):
        b.emit(alu64(op, register, EDGES[(start + number) % len(EDGES)]))
    b.land(taken)
    return True


def _every_argument(b: Builder, dice: Dice) -> bool:
    """A static function of five scalars."""
    for argument in (R1, R2, R3, R4, R5):
        left = [r for r in b.state.numbers() if r >= argument or r == R0]
        source = dice.of(left) if left and dice.pick(4) else None
        if source != argument:
            b.emit(mov64(argument, immediate(dice) if source is None else source))
    body = [(mov64 if dice.pick(2) else mov32)(R0, R1)]
    body += [alu(dice.of(_JOINING), R0, each, dice.pick(2) == 0) for each in (R2, R3, R4, R5)]
    b.call_static(StaticFunction((*body, leave())))
    return True


PRODUCTIONS = (
    Production("encoding-edge", 2, _edge, (needs.TARGET,)),
    Production("far-offset", 1, _far_offset, (needs.PRIVILEGED, needs.MAP_VALUE, needs.FREE)),
    Production("every-argument", 1, _every_argument, (needs.PRIVILEGED, needs.MAY_CALL, needs.SCALAR)),
    Production("long-jump", 1, _long_jump, (needs.PRIVILEGED, needs.TARGET, needs.OUTSIDE_LOOPS)),
)
