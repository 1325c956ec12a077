"""A bisection finds where things change, and asks little."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.replaying.bisection import bisect, extent, series
from conformance.replaying.replayed import ReplayState

STILL, GONE, UNTOLD = ReplayState.STILL, ReplayState.GONE, ReplayState.CANNOT_TELL


@st.composite
def histories(draw: st.DrawFn) -> dict[str, ReplayState]:
    """Kernels of some series, in each of which one thing changes at most once."""
    told = {}
    for minor in range(draw(st.integers(1, 8))):
        count = draw(st.integers(1, 12))
        turn = draw(st.integers(0, count))
        before, after = draw(st.permutations((STILL, GONE, UNTOLD)))[:2]
        for patch in range(count):
            told[f"debian:6.{minor}.{patch}-1"] = before if patch < turn else after
    return told


@settings(deadline=None)
@given(histories())
def test_it_finds_the_ends(history: dict[str, ReplayState]) -> None:
    names, asked = list(history), list[str]()

    def ask(name: str) -> ReplayState:
        asked.append(name)
        return history[name]

    told = bisect(names, ask)
    assert len(asked) == len(set(asked))
    assert list(told) == [name for name in names if name in told]

    def affected(of: dict[str, ReplayState]) -> list[str]:
        return [name for name, state in of.items() if state is STILL]

    assert affected(told)[:1] == affected(history)[:1]
    assert affected(told)[-1:] == affected(history)[-1:]
    for minor in {series(name) for name in names}:
        members = [name for name in names if series(name) == minor]
        assert sum(name in told for name in members) <= 2 + len(members).bit_length()


def test_neighbours_that_differ_are_both_asked() -> None:
    names = [f"debian:6.12.{patch}-1" for patch in range(43, 118)]
    told = bisect(names, lambda name: STILL if names.index(name) < 30 else GONE)
    assert extent(told) == [
        ("debian:6.12.43-1", "debian:6.12.72-1", STILL),
        ("debian:6.12.73-1", "debian:6.12.117-1", GONE),
    ]


def test_a_fix_that_went_into_each_series_by_itself() -> None:
    fixed = {"6.12": 90, "6.16": 12, "7.0": 4}
    names = [
        f"debian:{minor}.{patch}-1"
        for minor, patches in (("6.12", (43, 57, 90, 117)), ("6.16", (3, 12)), ("7.0", (4, 7)))
        for patch in patches
    ]

    def ask(name: str) -> ReplayState:
        minor, _, patch = name.removeprefix("debian:").removesuffix("-1").rpartition(".")
        return GONE if int(patch) >= fixed[minor] else STILL

    told = bisect(names, ask)
    shown = [name for name, state in told.items() if state is STILL]
    assert shown == ["debian:6.12.43-1", "debian:6.12.57-1", "debian:6.16.3-1"]


def test_an_image_by_its_path_is_a_series_of_its_own() -> None:
    assert bisect(["a/bzImage", "b/bzImage"], lambda name: STILL) == {"a/bzImage": STILL, "b/bzImage": STILL}
