"""Numbers at which range analysis goes wrong: zero, ones, powers of two and their neighbours, limits of each
width."""

from __future__ import annotations

from generators.dice import Dice

U64 = (1 << 64) - 1
S32_MIN, S32_MAX = -(1 << 31), (1 << 31) - 1


def _boundaries() -> tuple[int, ...]:
    numbers = {0, 1, 2, 3, 5, 7, 10, 100, 0x1234, 1 << 29, (1 << 29) - 1, 0xFF00FF, 0x0F0F0F0F}
    for power in (3, 4, 7, 8, 15, 16, 24, 30, 31, 32, 33, 47, 48, 62, 63):
        numbers |= {1 << power, (1 << power) - 1, (1 << power) + 1}
    numbers |= {-number for number in numbers}
    return tuple(sorted({number & U64 for number in numbers}, key=lambda n: (min(n, (1 << 64) - n), n)))


BOUNDARIES: tuple[int, ...] = _boundaries()
"""Unsigned 64-bit, simplest first."""

IMMEDIATES: tuple[int, ...] = tuple(
    sorted(
        {n - (1 << 64) if n >> 63 else n for n in BOUNDARIES if n <= S32_MAX or n >= (1 << 64) + S32_MIN},
        key=abs,
    )
)
"""Those that fit an instruction's 32-bit immediate, signed."""


def immediate(dice: Dice) -> int:
    """A 32-bit immediate: small, at a boundary, or anything."""
    shape = dice.pick(8)
    if shape < 3:
        return dice.pick(16) - (4 if shape == 2 else 0)
    if shape < 6:
        return dice.of(IMMEDIATES)
    number = dice.pick(1 << 32)
    return number - (1 << 32) if number >> 31 else number


def word(dice: Dice) -> int:
    """A 64-bit number: a boundary, or anything."""
    return dice.of(BOUNDARIES) if dice.pick(4) < 3 else dice.pick(1 << 64)
