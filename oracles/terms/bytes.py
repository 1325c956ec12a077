"""Numbers in memory, a term per byte."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.byte_order import ByteOrder
from oracles.terms.term import Term, concat, extract


def significances(size: int, order: ByteOrder) -> Sequence[int]:
    """Which byte of a number of ``size`` bytes lies at each address, from the lowest on; 0 is the least
    significant."""
    return range(size) if order is ByteOrder.LITTLE else range(size - 1, -1, -1)


def joined(parts: Sequence[Term], order: ByteOrder) -> Term:
    """The number that bytes, from the lowest address on, are, as a term of as many bits."""
    return concat(list(reversed(parts)) if order is ByteOrder.LITTLE else list(parts))


def split(number: Term, size: int, order: ByteOrder) -> list[Term]:
    """The bytes that the low ``size`` bytes of a number are, from the lowest address on."""
    return [extract(number, 8 * n + 7, 8 * n) for n in significances(size, order)]
