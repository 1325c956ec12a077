"""One wide integer decides a whole production: choices are carved off it in turn.

Hypothesis draws one such integer per production (a draw costs about 35 µs, whatever its width) and shrinks it
towards zero, so choice 0 of everything should be the simplest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

WIDTH = 160
"""Bits drawn per production; a die that is used up gives zeros."""


class Dice:
    """Mixed-radix digits of a non-negative integer."""

    __slots__ = ("left",)

    def __init__(self, number: int) -> None:
        self.left = number

    def pick(self, count: int) -> int:
        """A number from 0 to ``count`` - 1."""
        self.left, digit = divmod(self.left, count)
        return digit

    def of(self, options: Sequence[T]) -> T:
        """One of ``options``."""
        self.left, digit = divmod(self.left, len(options))
        return options[digit]

    def chance(self, one_in: int) -> bool:
        """True once in ``one_in``; never for a die that is used up."""
        return self.pick(one_in) == one_in - 1
