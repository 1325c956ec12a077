"""What the verifier says of a scalar: bounds in four views and a tnum (kernel: struct bpf_reg_state,
bpf_verifier.h)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ebpf.domains.limits import S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, U64_MAX, signed32, signed64
from ebpf.domains.tnum import UNKNOWN_TNUM, Tnum

_SIGN64 = 1 << 63
_SIGN32 = 1 << 31


@dataclass(frozen=True, slots=True)
class ScalarRange:
    """The 64-bit values within every bound.  All bounds are inclusive; those named ``32`` speak of the low 32
    bits.

    Each bound is in its own view's range (``umin`` 0..U64_MAX, ``smin32`` S32_MIN..S32_MAX, ...).  An
    instance may be empty: the kernel has printed contradictory bounds, and such a claim must exclude every
    value rather than be refused by us.
    """

    umin: int = 0
    umax: int = U64_MAX
    smin: int = S64_MIN
    smax: int = S64_MAX
    umin32: int = 0
    umax32: int = U32_MAX
    smin32: int = S32_MIN
    smax32: int = S32_MAX
    tnum: Tnum = UNKNOWN_TNUM
    _checks: tuple[tuple[int, int, int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_checks", tuple(self._needed_checks()))

    def _needed_checks(self) -> Iterator[tuple[int, int, int, int]]:
        """(flip, keep, low, high) with ``low <= (value ^ flip) & keep <= high``, cheapest to fail first;
        unset bounds give none.

        Flipping the sign bit turns a signed comparison into an unsigned one, and a tnum is "no known bit
        differs".
        """
        if self.umin > 0 or self.umax < U64_MAX:
            yield 0, U64_MAX, self.umin, self.umax
        # A constant's other views follow from its value only if they agree with it, so nothing is dropped
        # unless it is implied.
        if not (self.umax <= S64_MAX and self.smin <= self.umin and self.umax <= self.smax) and (
            self.smin > S64_MIN or self.smax < S64_MAX
        ):
            yield _SIGN64, U64_MAX, self.smin + _SIGN64, self.smax + _SIGN64
        if not (self.tnum.is_unknown or (self.umin == self.umax and self.tnum.contains(self.umin))):
            yield self.tnum.value, U64_MAX & ~self.tnum.mask, 0, 0
        if not (self.umax <= U32_MAX and self.umin32 <= self.umin and self.umax <= self.umax32) and (
            self.umin32 > 0 or self.umax32 < U32_MAX
        ):
            yield 0, U32_MAX, self.umin32, self.umax32
        if not (self.umax <= S32_MAX and self.smin32 <= self.umin and self.umax <= self.smax32) and (
            self.smin32 > S32_MIN or self.smax32 < S32_MAX
        ):
            yield _SIGN32, U32_MAX, self.smin32 + _SIGN32, self.smax32 + _SIGN32

    @classmethod
    def constant(cls, value: int) -> ScalarRange:
        """Only ``value``, taken modulo 2^64."""
        unsigned = value & U64_MAX
        signed, low, low_signed = signed64(value), unsigned & U32_MAX, signed32(value)
        return cls(unsigned, unsigned, signed, signed, low, low, low_signed, low_signed, Tnum(unsigned, 0))

    @classmethod
    def unknown(cls) -> ScalarRange:
        """Every value."""
        return UNKNOWN_RANGE

    @property
    def is_unknown(self) -> bool:
        return not self._checks

    @property
    def constant_value(self) -> int | None:
        """The value, unsigned 64 bits, where the tnum knows every bit (the kernel's own notion of a
        constant), else None."""
        return None if self.tnum.mask else self.tnum.value

    def contains(self, value: int) -> bool:
        """``value`` is unsigned 64 bits."""
        for flip, keep, low, high in self._checks:  # noqa: SIM110 - a generator costs more than the checks
            if not low <= (value ^ flip) & keep <= high:
                return False
        return True

    def excluded_by(self, value: int) -> str | None:
        """The first bound that ``value`` (unsigned 64 bits) violates, as "umax=40" or "var_off=(0x0; 0x3f)";
        None when inside."""
        if self.contains(value):
            return None
        signed, low, low_signed = signed64(value), value & U32_MAX, signed32(value)
        for name, seen in (("", value), ("s", signed), ("32", low), ("s32", low_signed)):
            letter, width = ("s" if name.startswith("s") else "u"), ("32" if name.endswith("32") else "")
            low_name, high_name = f"{letter}min{width}", f"{letter}max{width}"
            if seen < getattr(self, low_name):
                return f"{low_name}={getattr(self, low_name)}"
            if seen > getattr(self, high_name):
                return f"{high_name}={getattr(self, high_name)}"
        return f"var_off={self.tnum}"

    def meet(self, other: ScalarRange) -> ScalarRange | None:
        """The values within the bounds of both; None when two bounds or the tnums contradict each other
        outright.

        An answer may still be empty: contradictions *between* views are not looked for.
        """
        tnum = self.tnum.meet(other.tnum)
        if tnum is None:
            return None
        both = ScalarRange(
            max(self.umin, other.umin),
            min(self.umax, other.umax),
            max(self.smin, other.smin),
            min(self.smax, other.smax),
            max(self.umin32, other.umin32),
            min(self.umax32, other.umax32),
            max(self.smin32, other.smin32),
            min(self.smax32, other.smax32),
            tnum,
        )
        if (
            both.umin > both.umax
            or both.smin > both.smax
            or both.umin32 > both.umax32
            or both.smin32 > both.smax32
        ):
            return None
        return both

    def __str__(self) -> str:
        """As Linux 6.4 and later print it: equal bounds share a value (``smin=umin=3``), large ones are hex.

        Source: ``print_scalar_ranges`` in kernel/bpf/log.c (6.12).
        """
        if self.tnum.is_constant:
            return _signed(signed64(self.tnum.value))
        bounds = [
            ("smin", self.smin, self.smin == S64_MIN),
            ("smax", self.smax, self.smax == S64_MAX),
            ("umin", self.umin, self.umin == 0),
            ("umax", self.umax, self.umax == U64_MAX),
            ("smin32", _narrow(self.smin32), self.smin32 == S32_MIN),
            ("smax32", _narrow(self.smax32), self.smax32 == S32_MAX),
            ("umin32", self.umin32, self.umin32 == 0),
            ("umax32", self.umax32, self.umax32 == U32_MAX),
        ]
        parts = []
        merged: set[int] = set()
        for first, (name, value, omitted) in enumerate(bounds):
            if omitted or first in merged:
                continue
            same = [
                i
                for i in range(first + 2, len(bounds), 2)
                if i not in merged and not bounds[i][2] and bounds[i][1] == value
            ]
            merged.update(same)
            text = _signed(value) if name[0] == "s" else _unsigned(value)
            parts.append("=".join([name, *(bounds[i][0] for i in same), text]))
        if not self.tnum.is_unknown:
            parts.append(f"var_off={self.tnum}")
        return f"scalar({','.join(parts)})"


def _signed(value: int) -> str:
    return str(value) if -32768 <= value <= 32767 else f"{value & U64_MAX:#x}"


def _unsigned(value: int) -> str:
    return str(value) if value <= 65535 else f"{value:#x}"


def _narrow(value: int) -> int:
    """A signed 32-bit bound as log.c passes it on: what will be printed in hex is not sign-extended."""
    return value if -32768 <= value <= 32767 else value & U32_MAX


UNKNOWN_RANGE = ScalarRange()
