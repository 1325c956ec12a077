"""Sets of bit-vectors as kernels describe them: an unsigned interval, a signed one, and which bits are known.

For the interval pass only: what it proves, a kernel could have proven by its own means.  Z3 never sees these.
"""

from __future__ import annotations

from dataclasses import dataclass

from oracles.terms.term import mask, to_signed


@dataclass(frozen=True, slots=True)
class Range:
    """All ``bits``-bit numbers within the unsigned ``low..high``, the signed ``least..most``, and with
    ``value`` in all bits that are not set in ``unknown``.  Use :func:`make`, which draws each of the three
    from the others."""

    bits: int
    low: int
    high: int
    least: int
    most: int
    value: int
    unknown: int

    @property
    def constant(self) -> int | None:
        """The only number in it, or None."""
        return self.low if self.low == self.high else None

    @property
    def empty(self) -> bool:
        """Whether nothing is in it."""
        return self.low > self.high or self.least > self.most


def top(bits: int) -> Range:
    """Every number."""
    half = 1 << (bits - 1)
    return Range(bits, 0, mask(bits), -half, half - 1, 0, mask(bits))


def constant(value: int, bits: int) -> Range:
    """One number."""
    signed = to_signed(value, bits)
    return Range(bits, value, value, signed, signed, value, 0)


def make(
    bits: int,
    low: int | None = None,
    high: int | None = None,
    least: int | None = None,
    most: int | None = None,
    value: int = 0,
    unknown: int | None = None,
) -> Range:
    """The tightest range that three descriptions agree on; None is no bound."""
    half, full = 1 << (bits - 1), mask(bits)
    low, high = (0 if low is None else low), (full if high is None else high)
    least, most = (-half if least is None else least), (half - 1 if most is None else most)
    unknown = full if unknown is None else unknown
    value &= ~unknown
    for _ in range(3):
        low, high = max(low, value), min(high, value | unknown)
        if low > high or least > most:
            break
        # Bits that both ends of the interval share are known.
        shared = full & ~mask((low ^ high).bit_length())
        value, unknown = value | low & shared, unknown & ~shared
        if high < half or low >= half:
            least, most = max(least, to_signed(low, bits)), min(most, to_signed(high, bits))
        if least > most:
            break
        if least >= 0 or most < 0:
            low, high = max(low, least & full), min(high, most & full)
    return Range(bits, low, high, least, most, value, unknown)


def meet(a: Range, b: Range) -> Range:
    """What is in both."""
    known_a, known_b = ~a.unknown, ~b.unknown
    if (a.value ^ b.value) & known_a & known_b & mask(a.bits):
        return Range(a.bits, 1, 0, 1, 0, 0, 0)
    return make(
        a.bits,
        max(a.low, b.low),
        min(a.high, b.high),
        max(a.least, b.least),
        min(a.most, b.most),
        a.value | b.value,
        a.unknown & b.unknown,
    )


def join(a: Range, b: Range) -> Range:
    """At least what is in either."""
    unknown = a.unknown | b.unknown | (a.value ^ b.value)
    return make(
        a.bits,
        min(a.low, b.low),
        max(a.high, b.high),
        min(a.least, b.least),
        max(a.most, b.most),
        a.value & ~unknown,
        unknown,
    )


def add(a: Range, b: Range) -> Range:
    """Sums."""
    return _sum(a, b, 1)


def subtract(a: Range, b: Range) -> Range:
    """Differences."""
    return _sum(a, b, -1)


def _sum(a: Range, b: Range, sign: int) -> Range:
    full, half = mask(a.bits), 1 << (a.bits - 1)
    other = (b.low, b.high) if sign > 0 else (-b.high, -b.low)
    low, high = a.low + other[0], a.high + other[1]
    signed = (b.least, b.most) if sign > 0 else (-b.most, -b.least)
    least, most = a.least + signed[0], a.most + signed[1]
    # A tnum's sum: where no carry can differ, bits stay known (kernel/bpf/tnum.c describes the same idea).
    smallest = a.value + (b.value if sign > 0 else -(b.value | b.unknown))
    largest = (a.value | a.unknown) + ((b.value | b.unknown) if sign > 0 else -b.value)
    unknown = (smallest ^ largest | a.unknown | b.unknown) & full
    wraps = low < 0 or high > full
    wraps_signed = least < -half or most >= half
    return make(
        a.bits,
        None if wraps else low,
        None if wraps else high,
        None if wraps_signed else least,
        None if wraps_signed else most,
        smallest & ~unknown & full,
        unknown,
    )


def multiply(a: Range, b: Range) -> Range:
    """Products."""
    if a.high * b.high <= mask(a.bits):
        return make(a.bits, a.low * b.low, a.high * b.high)
    return top(a.bits)


def both_bits(a: Range, b: Range) -> Range:
    """Bitwise and."""
    ones = a.value & b.value
    possible = (a.value | a.unknown) & (b.value | b.unknown)
    return make(a.bits, ones, min(a.high, b.high), value=ones, unknown=possible & ~ones)


def either_bits(a: Range, b: Range) -> Range:
    """Bitwise or."""
    ones = a.value | b.value
    unknown = (a.unknown | b.unknown) & ~ones
    return make(a.bits, max(a.low, b.low), None, value=ones, unknown=unknown)


def differing_bits(a: Range, b: Range) -> Range:
    """Bitwise exclusive or."""
    unknown = a.unknown | b.unknown
    return make(a.bits, value=(a.value ^ b.value) & ~unknown, unknown=unknown)


def shift_left(a: Range, amount: int) -> Range:
    """By a constant."""
    full = mask(a.bits)
    fits = a.high << amount <= full
    return make(
        a.bits,
        a.low << amount if fits else None,
        a.high << amount if fits else None,
        value=a.value << amount & full,
        unknown=a.unknown << amount & full,
    )


def shift_right(a: Range, amount: int) -> Range:
    """By a constant, zeros coming in."""
    return make(
        a.bits, a.low >> amount, a.high >> amount, value=a.value >> amount, unknown=a.unknown >> amount
    )


def shift_right_signed(a: Range, amount: int) -> Range:
    """By a constant, copies of the sign coming in."""
    full = mask(a.bits)
    value, unknown = (to_signed(x, a.bits) >> amount & full for x in (a.value, a.unknown))
    return make(
        a.bits, least=a.least >> amount, most=a.most >> amount, value=value & ~unknown, unknown=unknown
    )


def extract(a: Range, high: int, low: int) -> Range:
    """Bits ``high`` down to ``low``."""
    bits = high - low + 1
    shifted = shift_right(a, low)
    if shifted.high <= mask(bits):
        return make(
            bits, shifted.low, shifted.high, value=shifted.value, unknown=shifted.unknown & mask(bits)
        )
    half = 1 << (bits - 1)
    least, most = (a.least, a.most) if low == 0 and -half <= a.least and a.most < half else (None, None)
    return make(bits, None, None, least, most, shifted.value & mask(bits), shifted.unknown & mask(bits))


def zero_extend(a: Range, bits: int) -> Range:
    """To ``bits`` bits."""
    return make(bits, a.low, a.high, value=a.value, unknown=a.unknown)


def sign_extend(a: Range, bits: int) -> Range:
    """To ``bits`` bits."""
    sign = 1 << (a.bits - 1)
    above = mask(bits) & ~mask(a.bits)
    value = a.value | (above if a.value & sign else 0)
    unknown = a.unknown | (above if a.unknown & sign else 0)
    return make(bits, None, None, a.least, a.most, value, unknown)


def concatenate(a: Range, b: Range) -> Range:
    """``a`` above ``b``."""
    return make(
        a.bits + b.bits,
        a.low << b.bits | b.low,
        a.high << b.bits | b.high,
        value=a.value << b.bits | b.value,
        unknown=a.unknown << b.bits | b.unknown,
    )
