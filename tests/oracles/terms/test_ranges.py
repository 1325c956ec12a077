"""Ranges of four bits against all numbers of four bits: nothing is lost, and what can be known is known."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from oracles.terms import ranges
from oracles.terms.ranges import Range, make
from oracles.terms.term import mask, to_signed

BITS = 4
ALL = range(1 << BITS)
Binary = Callable[[int, int], int]


def contains(r: Range, number: int) -> bool:
    """Whether the number agrees with all three descriptions."""
    return (
        r.low <= number <= r.high
        and r.least <= to_signed(number, r.bits) <= r.most
        and number & ~r.unknown & mask(r.bits) == r.value
    )


def members(r: Range) -> list[int]:
    return [number for number in range(1 << r.bits) if contains(r, number)]


def some(count: int, seed: int) -> Iterator[Range]:
    """Ranges of all shapes: intervals of either sign, known bits, and both."""
    rng = random.Random(seed)
    for number in range(count):
        low, high = sorted((rng.choice(ALL), rng.choice(ALL)))
        least, most = sorted((rng.randrange(-8, 8), rng.randrange(-8, 8)))
        value, unknown = rng.choice(ALL), rng.choice(ALL)
        made = (
            make(BITS, low, high),
            make(BITS, least=least, most=most),
            make(BITS, value=value, unknown=unknown),
            make(BITS, low, high, value=0, unknown=unknown | mask(high.bit_length())),
        )[number % 4]
        if not made.empty:
            yield made


def described(r: Range) -> tuple[int, int, int, int, int, int]:
    return r.low, r.high, r.least, r.most, r.value, r.unknown


OPERATIONS: dict[str, tuple[Callable[[Range, Range], Range], Binary]] = {
    "add": (ranges.add, lambda a, b: a + b),
    "subtract": (ranges.subtract, lambda a, b: a - b),
    "multiply": (ranges.multiply, lambda a, b: a * b),
    "and": (ranges.both_bits, lambda a, b: a & b),
    "or": (ranges.either_bits, lambda a, b: a | b),
    "xor": (ranges.differing_bits, lambda a, b: a ^ b),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_result_is_in_the_range(name: str) -> None:
    ours, theirs = OPERATIONS[name]
    for a, b in zip(some(400, 1), some(400, 2), strict=False):
        result = ours(a, b)
        for x in members(a):
            for y in members(b):
                assert contains(result, theirs(x, y) & mask(BITS)), (a, b, x, y, result)


@pytest.mark.parametrize("name", OPERATIONS)
def test_constants_give_constants(name: str) -> None:
    ours, theirs = OPERATIONS[name]
    for x in ALL:
        for y in ALL:
            result = ours(ranges.constant(x, BITS), ranges.constant(y, BITS))
            expected = theirs(x, y)
            if name != "multiply" or expected <= mask(BITS):
                assert described(result) == described(ranges.constant(expected & mask(BITS), BITS))
            assert result.constant in (expected & mask(BITS), None)


@pytest.mark.parametrize(
    ("name", "a", "b", "expected"),
    [
        ("add", make(8, 1, 3), make(8, 10, 20), make(8, 11, 23)),
        ("add", make(8, least=-4, most=3), make(8, least=-1, most=1), make(8, least=-5, most=4)),
        (
            "add",
            make(8, value=0x10, unknown=1),
            make(8, value=4, unknown=0),
            make(8, 0x14, 0x15, value=0x14, unknown=1),
        ),
        ("add", make(8, 0, 0x80), make(8, 0, 0x7F), make(8, 0, 0xFF)),
        ("add", make(8, 0, 0x80), make(8, 0, 0x10), make(8, 0, 0x90)),
        ("add", make(8, 1, 0x80), make(8, 0, 0x7F), make(8, 1, 0xFF)),
        ("add", make(8, 1, 0x81), make(8, 0, 0x7F), ranges.top(8)),
        ("add", make(8, least=-100, most=20), make(8, least=-28, most=107), make(8, least=-128, most=127)),
        ("add", make(8, least=-100, most=20), make(8, least=-20, most=17), make(8, least=-120, most=37)),
        ("subtract", make(8, 10, 0xF0), make(8, 1, 10), make(8, 0, 0xEF)),
        ("subtract", make(8, 10, 20), make(8, 1, 3), make(8, 7, 19)),
        ("subtract", make(8, least=-4, most=3), make(8, least=-1, most=1), make(8, least=-5, most=4)),
        ("subtract", make(8, value=0x10, unknown=1), make(8, value=0x10, unknown=0), make(8, 0, 1)),
        ("multiply", make(8, 2, 3), make(8, 4, 5), make(8, 8, 15)),
        ("multiply", make(8, 1, 15), make(8, 1, 17), make(8, 1, 255)),
        ("multiply", make(8, 16, 16), make(8, 16, 17), ranges.top(8)),
        ("and", make(8, 3, 200), make(8, value=0, unknown=0x0F), make(8, 0, 15)),
        ("and", make(8, value=0xC1, unknown=2), make(8, value=0xC0, unknown=3), make(8, 0xC0, 0xC3)),
        ("or", make(8, 3, 4), make(8, 16, 17), make(8, 16, 23)),
        (
            "xor",
            make(8, value=0x50, unknown=1),
            make(8, value=0x30, unknown=2),
            make(8, value=0x60, unknown=3),
        ),
    ],
)
def test_results_are_as_tight_as_kernels_know_them(name: str, a: Range, b: Range, expected: Range) -> None:
    assert described(OPERATIONS[name][0](a, b)) == described(expected)


def test_make_draws_each_description_from_the_others() -> None:
    assert described(make(8, 0x10, 0x1F)) == (0x10, 0x1F, 0x10, 0x1F, 0x10, 0x0F)
    assert described(make(8, 0x80, 0xFF)) == (0x80, 0xFF, -128, -1, 0x80, 0x7F)
    assert described(make(8, 0x7F, 0x80)) == (0x7F, 0x80, -128, 127, 0, 0xFF)
    assert described(make(8, least=-2, most=-1)) == (0xFE, 0xFF, -2, -1, 0xFE, 1)
    assert described(make(8, least=0, most=5)) == (0, 5, 0, 5, 0, 7)
    assert described(make(8, least=-1, most=5)) == (0, 255, -1, 5, 0, 255)
    assert described(make(8, value=0xF0, unknown=0x0C)) == (0xF0, 0xFC, -16, -4, 0xF0, 0x0C)
    assert described(ranges.top(8)) == described(make(8)) == (0, 255, -128, 127, 0, 255)
    assert make(8, 7, 7).constant == 7
    assert make(8, 7, 8).constant is None
    assert make(8, 9, 8).empty
    assert make(8, least=1, most=0).empty
    assert make(8, 1, 3, value=8, unknown=0).empty
    assert not make(8, 8, 8).empty


def test_meet_and_join() -> None:
    for a, b in zip(some(600, 3), some(600, 4), strict=False):
        met, joined = ranges.meet(a, b), ranges.join(a, b)
        both = [number for number in members(a) if contains(b, number)]
        assert all(contains(met, number) for number in both)
        assert all(contains(joined, number) for number in (*members(a), *members(b)))
    assert ranges.meet(make(8, value=1, unknown=0xFE), make(8, value=0, unknown=0xFE)).empty
    assert described(ranges.meet(make(8, 3, 9), make(8, 5, 20))) == described(make(8, 5, 9))
    assert described(ranges.meet(make(8, least=-3, most=9), make(8, least=-5, most=2))) == described(
        make(8, least=-3, most=2)
    )
    assert described(ranges.meet(make(8, value=2, unknown=0xF8), make(8, value=0x80, unknown=0x7F)))[4:] == (
        0x82,
        0x78,
    )
    assert described(ranges.join(make(8, 3, 3), make(8, 5, 5))) == described(
        make(8, 3, 5, value=1, unknown=6)
    )
    assert described(ranges.join(make(8, least=-3, most=-3), make(8, 5, 5)))[2:4] == (-3, 5)


SHIFTS: dict[str, tuple[Callable[[Range, int], Range], Binary]] = {
    "left": (ranges.shift_left, lambda a, n: a << n),
    "right": (ranges.shift_right, lambda a, n: a >> n),
    "signed": (ranges.shift_right_signed, lambda a, n: to_signed(a, BITS) >> n),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts(name: str) -> None:
    ours, theirs = SHIFTS[name]
    for amount in range(BITS):
        for a in some(300, 5):
            result = ours(a, amount)
            assert all(contains(result, theirs(x, amount) & mask(BITS)) for x in members(a)), (
                a,
                amount,
                result,
            )
        for x in ALL:
            assert ours(ranges.constant(x, BITS), amount).constant == theirs(x, amount) & mask(BITS)
    assert described(ranges.shift_left(make(8, 3, 5), 2)) == described(make(8, 12, 20, value=0, unknown=28))
    assert described(ranges.shift_left(make(8, 3, 70), 2))[:2] == (0, 252)
    assert described(ranges.shift_right(make(8, 13, 70), 2)) == described(make(8, 3, 17))
    assert described(ranges.shift_right_signed(make(8, least=-70, most=13), 2)) == described(
        make(8, least=-18, most=3)
    )


def test_parts_and_extensions() -> None:
    for a in some(300, 6):
        for high in range(BITS):
            for low in range(high + 1):
                part = ranges.extract(a, high, low)
                assert part.bits == high - low + 1
                assert all(contains(part, x >> low & mask(part.bits)) for x in members(a))
        zero, sign = ranges.zero_extend(a, 7), ranges.sign_extend(a, 7)
        for x in members(a):
            assert contains(zero, x)
            assert contains(sign, to_signed(x, BITS) & mask(7))
        assert described(zero)[:2] == (a.low, a.high)
        assert described(sign)[2:4] == (a.least, a.most)
        for b in some(20, 7):
            both = ranges.concatenate(a, b)
            assert both.bits == 2 * BITS
            assert all(contains(both, x << BITS | y) for x in members(a) for y in members(b))
    assert described(ranges.extract(make(16, 3, 200), 7, 0)) == described(make(8, 3, 200))
    assert described(ranges.extract(make(16, 0x300, 0x3FF), 15, 8)) == described(make(8, 3, 3))
    assert described(ranges.extract(make(16, least=-3, most=5), 7, 0))[2:4] == (-3, 5)
    assert described(ranges.extract(make(16, least=-129, most=5), 7, 0))[2:4] == (-128, 127)
    assert described(ranges.extract(make(16, least=-3, most=128), 7, 0))[2:4] == (-128, 127)
    assert described(ranges.extract(make(16, value=0x1200, unknown=0xFF), 11, 4)) == described(
        make(8, 0x20, 0x2F)
    )
    assert described(ranges.sign_extend(make(4, value=8, unknown=1), 8))[4:] == (0xF8, 1)
    assert described(ranges.concatenate(make(4, 1, 2), make(4, 3, 4)))[:2] == (0x13, 0x24)


@pytest.mark.parametrize("number", range(-8, 8))
def test_one_signed_number_is_a_constant(number: int) -> None:
    assert make(BITS, least=number, most=number) == ranges.constant(number & mask(BITS), BITS)


def test_sums_reach_the_least_number() -> None:
    """Nothing wraps at -8 itself."""
    total = ranges.add(make(BITS, least=-7, most=-6), make(BITS, least=-1, most=-1))
    assert (total.least, total.most) == (-8, -7)
