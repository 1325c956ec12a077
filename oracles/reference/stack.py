"""A frame's stack: 512 bytes, each a byte of some value that was stored."""

from __future__ import annotations

from ebpf.isa.opcodes import STACK_SIZE
from oracles.reference.terms import Term, concat, extract, zero_extend
from oracles.reference.values import Null, SymbolicPointer, Value

Byte = tuple[Value, int, int]
"""A value that was stored, which of its bytes this is, and how many were stored."""


class SymbolicStack:
    """``bytes``: by offset from the lowest address (0 to 511); what is missing was never written."""

    __slots__ = ("bytes", "lowest")

    def __init__(self, content: dict[int, Byte] | None = None, lowest: int = STACK_SIZE) -> None:
        self.bytes = {} if content is None else content
        self.lowest = lowest

    def copy(self) -> SymbolicStack:
        """One that can be written without this one noticing."""
        return SymbolicStack(dict(self.bytes), self.lowest)

    def touch(self, offset: int) -> None:
        """Note how deep the frame is used: what the kernel calls its stack depth."""
        self.lowest = min(self.lowest, offset)

    def store(self, offset: int, size: int, value: Value) -> None:
        """The low ``size`` bytes of ``value``."""
        for n in range(size):
            self.bytes[offset + n] = (value, n, size)

    def missing(self, offset: int, size: int) -> bool:
        """Whether a byte among them was never written."""
        return any(offset + n not in self.bytes for n in range(size))

    def pointer_parts(self, offset: int, size: int) -> bool:
        """Whether a byte among them belongs to a stored pointer."""
        return any(
            isinstance(self.bytes.get(offset + n, (0, 0, 0))[0], SymbolicPointer | Null) for n in range(size)
        )

    def whole(self, offset: int, size: int) -> Value | None:
        """The value that was stored there as one piece of that size, or None."""
        first = self.bytes.get(offset)
        if first is None or first[1] != 0 or first[2] != size:
            return None
        value = first[0]
        for n in range(1, size):
            byte = self.bytes.get(offset + n)
            if byte is None or byte[0] is not value or byte[1] != n or byte[2] != size:
                return None
        return value

    def number(self, offset: int, size: int) -> Term:
        """``size`` written bytes, none of a pointer, as 64 bits."""
        value = self.whole(offset, size)
        if value is not None and not isinstance(value, SymbolicPointer | Null):
            return zero_extend(extract(value, 8 * size - 1, 0), 8 * size)
        parts = []
        for n in reversed(range(size)):
            stored, index, _ = self.bytes[offset + n]
            parts.append(extract(stored, 8 * index + 7, 8 * index))
        return zero_extend(concat(parts), 8 * size)
