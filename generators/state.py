"""What is known of a program while it is being generated: the type of every register and stack slot on all
paths to here.

Ranges are unsigned intervals, narrowed only by what every kernel is known to follow (masks, comparisons with
constants, shifts, small loads): a generated access must be provable by the kernel's own means.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

U64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar between ``low`` and ``high``, unsigned."""

    low: int = 0
    high: int = U64


class PointerKind(Enum):
    """What a pointer points into."""

    CONTEXT = "ctx"
    STACK = "fp"
    MAP_VALUE = "map_value"
    PACKET = "pkt"
    PACKET_END = "pkt_end"


@dataclass(frozen=True, slots=True)
class KnownPointer:
    """``size`` bytes may be accessed from the pointer on (0 for the context and packet end); ``nullable``
    until compared with 0."""

    kind: PointerKind
    size: int = 0
    nullable: bool = False


Content = Number | KnownPointer
ANY = Number()


@dataclass(slots=True)
class GenerationState:
    """``registers``: what R0 to R9 hold; a missing one must not be read.  ``slots``: by offset from R10 (-8,
    -16, ...), eight bytes each, whole slots only.  ``pinned`` registers are not overwritten."""

    registers: dict[int, Content] = field(default_factory=dict)
    slots: dict[int, Content] = field(default_factory=dict)
    pinned: frozenset[int] = frozenset()

    def copy(self) -> GenerationState:
        """An independent copy."""
        return replace(self, registers=dict(self.registers), slots=dict(self.slots))

    def numbers(self) -> list[int]:
        """Registers that hold scalars, ascending."""
        return sorted(r for r, content in self.registers.items() if isinstance(content, Number))

    def pointers(self, kind: PointerKind) -> list[int]:
        """Registers that hold a non-null pointer of ``kind``, ascending."""
        return sorted(
            r
            for r, c in self.registers.items()
            if isinstance(c, KnownPointer) and c.kind is kind and not c.nullable
        )

    def call(self) -> None:
        """R0 to R5 are lost."""
        for register in range(6):
            self.registers.pop(register, None)


def join(one: GenerationState, other: GenerationState) -> GenerationState:
    """What holds on both of two paths that meet."""
    return GenerationState(_join(one.registers, other.registers), _join(one.slots, other.slots), one.pinned)


def _join(one: dict[int, Content], other: dict[int, Content]) -> dict[int, Content]:
    joined: dict[int, Content] = {}
    for key in one.keys() & other.keys():
        a, b = one[key], other[key]
        if isinstance(a, Number) and isinstance(b, Number):
            joined[key] = Number(min(a.low, b.low), max(a.high, b.high))
        elif a == b:
            joined[key] = a
        elif (
            isinstance(a, KnownPointer)
            and isinstance(b, KnownPointer)
            and replace(a, size=0) == replace(b, size=0)
        ):
            joined[key] = replace(a, size=min(a.size, b.size))
    return joined
