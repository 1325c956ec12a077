"""A frame's stack: 512 bytes, each a byte of some value that was stored."""

from __future__ import annotations

from typing import Generic, TypeVar

from ebpf.byte_order import ByteOrder
from ebpf.isa.opcodes import STACK_SIZE
from oracles.terms.bytes import significances
from oracles.terms.term import Term, concat, extract, zero_extend

Address = TypeVar("Address")
"""What is stored and is no number: the pointers of whoever's stack it is."""


class SymbolicStack(Generic[Address]):
    """``bytes``: by offset, the value that was stored, which of its bytes this is (0: the least significant),
    and how many were stored; what is missing was never written.  ``order`` is the machine's."""

    __slots__ = ("bytes", "lowest", "order")

    def __init__(
        self,
        order: ByteOrder,
        content: dict[int, tuple[Term | Address, int, int]] | None = None,
        lowest: int = STACK_SIZE,
    ) -> None:
        self.order = order
        self.bytes = {} if content is None else content
        self.lowest = lowest

    def copy(self) -> SymbolicStack[Address]:
        """One that can be written without this one noticing."""
        return SymbolicStack(self.order, dict(self.bytes), self.lowest)

    def touch(self, offset: int) -> None:
        """Note how deep the frame is used: what the kernel calls its stack depth."""
        self.lowest = min(self.lowest, offset)

    def store(self, offset: int, size: int, value: Term | Address) -> None:
        """The low ``size`` bytes of ``value``."""
        for n, significance in enumerate(significances(size, self.order)):
            self.bytes[offset + n] = (value, significance, size)

    def missing(self, offset: int, size: int) -> bool:
        """Whether a byte among them was never written."""
        return any(offset + n not in self.bytes for n in range(size))

    def pointer_parts(self, offset: int, size: int) -> bool:
        """Whether a byte among them belongs to a stored pointer."""
        return any(not isinstance(self.bytes.get(offset + n, _NUMBER)[0], Term) for n in range(size))

    def whole(self, offset: int, size: int) -> Term | Address | None:
        """The value that was stored there as one piece of that size, or None."""
        first = self.bytes.get(offset)
        if first is None:
            return None
        value = first[0]
        for n, significance in enumerate(significances(size, self.order)):
            byte = self.bytes.get(offset + n)
            if byte is None or byte[0] is not value or byte[1] != significance or byte[2] != size:
                return None
        return value

    def bits(self, offset: int, size: int) -> Term:
        """``size`` written bytes, none of a pointer, as a term of as many bits."""
        # The most significant first.
        held = [self.bytes[offset + n] for n in range(size)]
        if self.order is ByteOrder.LITTLE:
            held.reverse()
        first, start, _ = held[-1]
        assert isinstance(first, Term)
        if all(byte[0] is first and byte[1] == start + n for n, byte in enumerate(reversed(held))):
            return extract(first, 8 * (start + size) - 1, 8 * start)
        parts = []
        for stored, index, _ in held:
            assert isinstance(stored, Term)
            parts.append(extract(stored, 8 * index + 7, 8 * index))
        return concat(parts)

    def number(self, offset: int, size: int) -> Term:
        """The same, zero-extended to 64 bits."""
        return zero_extend(self.bits(offset, size), 8 * size)


_NUMBER = (0, 0, 0)
"""What a byte that was never written counts as: part of no pointer."""
