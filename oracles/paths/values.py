"""What registers hold on a path, and the input's symbols."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from oracles.terms.term import Term, symbol


@dataclass(frozen=True, slots=True)
class PointerTo:
    """An address ``offset`` bytes into ``region``: "ctx", "fp" (from R10 on), or "map" (any; its content is
    not followed)."""

    region: str
    offset: int = 0


Value = Term | PointerTo | None
"""None: never written, or lost in a call."""


@cache
def symbols(words: int) -> tuple[Term, ...]:
    """``words`` unknown words of input, the packet's first eight bytes in the first."""
    return tuple(symbol(f"input{number}") for number in range(words))
