"""Hypothesis strategies: the only place that draws."""

from __future__ import annotations

from hypothesis import strategies as st

from generators import experiments
from generators.dice import WIDTH, Dice
from generators.objects import ObjectFile, break_object, well_formed
from generators.profiles import Profile
from generators.programs import Generated, build

MIN_PRODUCTIONS, MAX_PRODUCTIONS = 6, 48
MAX_PROGRAMS, MAX_PROGRAM_PRODUCTIONS = 3, 12
"""Of an object, which is to be opened: what its programs do matters little."""


def programs(profile: Profile) -> st.SearchStrategy[Generated]:
    """Generated programs for ``profile``: one draw decides the frame, one each production or experiment."""
    if profile.experiments_in == 0:
        return _productions(profile)
    if profile.experiments_in == 1:
        return _experiments(profile)
    return st.integers(0, profile.experiments_in - 1).flatmap(
        lambda number: _productions(profile) if number else _experiments(profile)
    )


def objects() -> st.SearchStrategy[ObjectFile]:
    """Objects, half of them with one field broken."""
    wide = st.integers(0, (1 << 256) - 1)
    one = st.lists(st.integers(0, (1 << WIDTH) - 1), min_size=1, max_size=MAX_PROGRAM_PRODUCTIONS)
    return st.builds(_object, wide, st.lists(one, min_size=1, max_size=MAX_PROGRAMS), st.none() | wide)


def _object(header: int, seeds: list[list[int]], breaking: int | None) -> ObjectFile:
    data = well_formed(header, seeds).data
    return ObjectFile(data) if breaking is None else break_object(data, Dice(breaking))


def _productions(profile: Profile) -> st.SearchStrategy[Generated]:
    seeds = st.lists(st.integers(0, (1 << WIDTH) - 1), min_size=MIN_PRODUCTIONS, max_size=MAX_PRODUCTIONS)
    return st.builds(
        lambda header, chosen: build(header, chosen, profile), st.integers(0, (1 << 256) - 1), seeds
    )


def _experiments(profile: Profile) -> st.SearchStrategy[Generated]:
    seeds = st.lists(
        st.integers(0, (1 << experiments.WIDTH) - 1), min_size=1, max_size=experiments.MAX_EXPERIMENTS
    )
    return st.builds(
        lambda header, chosen: experiments.build(header, chosen, profile),
        st.integers(0, (1 << 64) - 1),
        seeds,
    )
