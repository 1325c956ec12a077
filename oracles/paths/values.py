"""What registers and bytes of the stack hold on a path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from oracles.reference.terms import Term, concat, extract, symbol


@dataclass(frozen=True, slots=True)
class PointerTo:
    """An address ``offset`` bytes into ``region``: "ctx", "fp" (from R10 on), or "map" (any; its content is
    not followed)."""

    region: str
    offset: int = 0


Value = Term | PointerTo | None
"""None: never written, or lost in a call."""


class Byte(NamedTuple):
    """Byte ``number`` of ``whole``, which is 64 bits."""

    whole: Term
    number: int


@cache
def symbols(words: int) -> tuple[Term, ...]:
    """``words`` unknown words of input, the packet's first eight bytes in the first."""
    return tuple(symbol(f"input{number}") for number in range(words))


def assemble(content: list[Byte]) -> Term:
    """The unsigned number in ``content``, lowest byte first; zero-extended to 64 bits by the caller."""
    first, start = content[0]
    together = all(byte.whole is first and byte.number == start + place for place, byte in enumerate(content))
    if together:
        return extract(first, 8 * (start + len(content)) - 1, 8 * start)
    return concat([extract(byte.whole, 8 * byte.number + 7, 8 * byte.number) for byte in reversed(content)])
