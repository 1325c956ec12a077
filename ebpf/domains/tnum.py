"""Tracked numbers: which bits of a 64-bit value are known (kernel: include/linux/tnum.h,
kernel/bpf/tnum.c)."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.domains.limits import U64_MAX


@dataclass(frozen=True, slots=True)
class Tnum:
    """Every x with ``x & ~mask == value``.  Both fields are unsigned 64 bits; a set mask bit is unknown, and
    0 in ``value``."""

    value: int
    mask: int

    def __post_init__(self) -> None:
        if self.value & self.mask or not 0 <= self.value | self.mask <= U64_MAX:
            raise ValueError(
                f"({self.value:#x}; {self.mask:#x}) is no tnum: 64 bits, and none both known and unknown"
            )

    @classmethod
    def constant(cls, value: int) -> Tnum:
        """Only ``value``, taken modulo 2^64."""
        return cls(value & U64_MAX, 0)

    @property
    def is_constant(self) -> bool:
        return not self.mask

    @property
    def is_unknown(self) -> bool:
        """True when nothing is known, as the kernel's ``tnum_is_unknown``."""
        return self.mask == U64_MAX

    def contains(self, value: int) -> bool:
        """``value`` is unsigned 64 bits."""
        return value & ~self.mask == self.value

    def intersects(self, other: Tnum) -> bool:
        """Whether some value is in both."""
        return not (self.value ^ other.value) & ~(self.mask | other.mask)

    def meet(self, other: Tnum) -> Tnum | None:
        """The values in both; None when there is none.

        The kernel's ``tnum_intersect`` assumes the two agree; here a contradiction is told, since finding one
        is our trade.
        """
        if not self.intersects(other):
            return None
        mask = self.mask & other.mask
        return Tnum((self.value | other.value) & ~mask, mask)

    def __str__(self) -> str:
        """As ``var_off=`` is printed (kernel/bpf/log.c; ``tnum_strn`` in tnum.c)."""
        return f"({self.value:#x}; {self.mask:#x})"


UNKNOWN_TNUM = Tnum(0, U64_MAX)
