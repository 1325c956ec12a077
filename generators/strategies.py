"""Hypothesis strategies: the only place that draws."""

from __future__ import annotations

from hypothesis import strategies as st

from generators.dice import WIDTH
from generators.profiles import Profile
from generators.programs import Generated, build

MIN_PRODUCTIONS, MAX_PRODUCTIONS = 6, 48


def programs(profile: Profile) -> st.SearchStrategy[Generated]:
    """Generated programs for ``profile``: one draw decides the frame, one each production."""
    seeds = st.lists(st.integers(0, (1 << WIDTH) - 1), min_size=MIN_PRODUCTIONS, max_size=MAX_PRODUCTIONS)
    return st.builds(lambda header, chosen: build(header, chosen, profile), st.integers(0, (1 << 256) - 1), seeds)
