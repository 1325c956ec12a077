"""What a register holds: a 64-bit number, a pointer into a region, or nothing yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from oracles.interpreter.memory import Region

U64: Final = (1 << 64) - 1
LEAVE: Final = -(1 << 40)
"""What a handler gives for the next slot when the run, or the callback, is over; farther than any jump
reaches."""
MAX_LOOPS: Final = 8 * 1024 * 1024
"""BPF_MAX_LOOPS, include/linux/bpf.h: how often bpf_loop calls back at most, and may_goto falls through."""


class Undefined:
    """The content of a register that was never written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


@dataclass(frozen=True, slots=True)
class Pointer:
    """``offset`` bytes (any signed number) from the start of ``region``."""

    region: Region
    offset: int

    @property
    def address(self) -> int:
        """The fake 64-bit address: what the pointer is when treated as a number."""
        return (self.region.base + self.offset) & U64

    def __repr__(self) -> str:
        return f"{self.region.name}{self.offset:+d}"


Value = int | Pointer | Undefined


def signed(value: int, bits: int) -> int:
    """The two's complement reading of the low ``bits`` bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
