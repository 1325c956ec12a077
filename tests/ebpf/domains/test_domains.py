"""Sets of values: membership, meets, names of violated bounds, and how the kernel prints them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.domains import ScalarRange, Tnum
from ebpf.domains.limits import S32_MIN, S64_MIN, U32_MAX, U64_MAX, signed32, signed64
from tests.ebpf.domains.as_linux_6_1 import print_6_1

EDGES = sorted(
    {
        (sign * (1 << k) + d) & U64_MAX
        for k in (0, 7, 15, 16, 31, 32, 63)
        for d in (-1, 0, 1)
        for sign in (1, -1)
    }
)
VALUES = st.one_of(st.sampled_from(EDGES), st.integers(0, U64_MAX), st.integers(0, 100))


@st.composite
def tnums(draw: st.DrawFn) -> Tnum:
    mask = draw(VALUES)
    return Tnum(draw(VALUES) & ~mask, mask)


@st.composite
def ranges(draw: st.DrawFn) -> ScalarRange:
    bounds: dict[str, int] = {}
    for view, to in (("u{}", int), ("s{}", signed64), ("u{}32", lambda v: v & U32_MAX), ("s{}32", signed32)):
        if draw(st.booleans()):
            low, high = sorted((to(draw(VALUES)), to(draw(VALUES))))
            bounds |= {view.format("min"): low, view.format("max"): high}
    return ScalarRange(**bounds, tnum=draw(tnums() if draw(st.booleans()) else st.just(Tnum(0, U64_MAX))))


def slow_contains(r: ScalarRange, value: int) -> bool:
    return (
        r.umin <= value <= r.umax
        and r.smin <= signed64(value) <= r.smax
        and r.umin32 <= value & U32_MAX <= r.umax32
        and r.smin32 <= signed32(value) <= r.smax32
        and value & ~r.tnum.mask == r.tnum.value
    )


@given(ranges(), VALUES)
def test_contains_is_the_definition_and_excluded_by_agrees(scalar: ScalarRange, value: int) -> None:
    assert scalar.contains(value) == slow_contains(scalar, value)
    assert (scalar.excluded_by(value) is None) == scalar.contains(value)


@given(ranges(), ranges(), VALUES)
def test_meet_holds_exactly_what_is_in_both(a: ScalarRange, b: ScalarRange, value: int) -> None:
    both = a.meet(b)
    assert (both is not None and both.contains(value)) == (a.contains(value) and b.contains(value))


@given(tnums(), tnums(), VALUES)
def test_tnum_meet(a: Tnum, b: Tnum, value: int) -> None:
    both = a.meet(b)
    assert (both is not None) == a.intersects(b)
    assert (both is not None and both.contains(value)) == (a.contains(value) and b.contains(value))


@given(VALUES, VALUES)
def test_a_constant_contains_only_itself(value: int, other: int) -> None:
    assert ScalarRange.constant(value).contains(other) == (value == other)
    assert ScalarRange.constant(value).constant_value == value


def test_excluded_by_names_the_bound() -> None:
    assert ScalarRange(umax=40).excluded_by(41) == "umax=40"
    assert ScalarRange(smin=0).excluded_by(U64_MAX) == "smin=0"
    assert ScalarRange(smin32=-2).excluded_by(0xFFFFFFFD) == "smin32=-2"
    assert ScalarRange(umin32=3).excluded_by(1 << 32) == "umin32=3"
    assert ScalarRange(tnum=Tnum(0, 0x3C)).excluded_by(1) == "var_off=(0x0; 0x3c)"
    assert ScalarRange(umax=40).excluded_by(40) is None


def test_unknown_contains_everything_without_a_check() -> None:
    assert ScalarRange.unknown().is_unknown
    assert all(ScalarRange.unknown().contains(v) for v in EDGES)


def test_contradictory_bounds_exclude_every_value() -> None:
    empty = ScalarRange(umin=5, umax=4)
    assert not any(empty.contains(v) for v in EDGES)


@pytest.mark.parametrize(("value", "mask"), [(1, 1), (1 << 64, 0), (-1, 0)])
def test_no_tnum(value: int, mask: int) -> None:
    with pytest.raises(ValueError, match="no tnum"):
        Tnum(value, mask)


def test_printed_as_6_12_does() -> None:
    assert str(ScalarRange(0, 40, 0, 40, 0, 40, 0, 40, Tnum(0, 0x3F))) == (
        "scalar(smin=smin32=0,smax=umax=smax32=umax32=40,var_off=(0x0; 0x3f))"
    )
    assert str(ScalarRange.constant(0xFFFFFFFFDEADBEEF)) == "0xffffffffdeadbeef"
    assert str(ScalarRange.constant(-1)) == "-1"
    assert str(ScalarRange(smin32=-40000)) == "scalar(smin32=0xffff63c0)"
    assert str(ScalarRange.unknown()) == "scalar()"


def test_printed_as_6_1_does() -> None:
    assert print_6_1(ScalarRange(0, 40, 0, 40, 0, 63, 0, 63, Tnum(0, 0x3F))) == (
        "scalar(umax=40,var_off=(0x0; 0x3f),s32_max=63,u32_max=63)"
    )
    assert print_6_1(ScalarRange.constant(0xFFFFFFFFDEADBEEF)) == "-559038737"
    assert print_6_1(ScalarRange(smin=S64_MIN, smin32=S32_MIN, umax32=U32_MAX - 1)) == "scalar(u32_max=-2)"
