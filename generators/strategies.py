"""Hypothesis strategies for tests: recipes, and what is made of them."""

from __future__ import annotations

from hypothesis import strategies as st

from generators import experiments
from generators.dice import WIDTH
from generators.objects import ObjectFile
from generators.profiles import Profile
from generators.programs import Generated
from generators.recipes import (
    HEADER_WIDTH,
    MAX_PRODUCTIONS,
    MAX_PROGRAM_PRODUCTIONS,
    MAX_PROGRAMS,
    MIN_PRODUCTIONS,
    ObjectRecipe,
    Recipe,
)

_WIDE = st.integers(0, (1 << HEADER_WIDTH) - 1)


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
    one = st.lists(st.integers(0, (1 << WIDTH) - 1), min_size=1, max_size=MAX_PROGRAM_PRODUCTIONS).map(tuple)
    seeds = st.lists(one, min_size=1, max_size=MAX_PROGRAMS).map(tuple)
    return st.builds(ObjectRecipe, _WIDE, seeds, st.none() | _WIDE).map(ObjectRecipe.make)


def _productions(profile: Profile) -> st.SearchStrategy[Generated]:
    seeds = st.lists(st.integers(0, (1 << WIDTH) - 1), min_size=MIN_PRODUCTIONS, max_size=MAX_PRODUCTIONS)
    return st.builds(Recipe, _WIDE, seeds.map(tuple), st.just(False), st.just(profile)).map(Recipe.make)


def _experiments(profile: Profile) -> st.SearchStrategy[Generated]:
    seeds = st.lists(
        st.integers(0, (1 << experiments.WIDTH) - 1), min_size=1, max_size=experiments.MAX_EXPERIMENTS
    )
    return st.builds(Recipe, _WIDE, seeds.map(tuple), st.just(True), st.just(profile)).map(Recipe.make)
