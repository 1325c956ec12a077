"""Reduction: passes that only propose something smaller; one engine judges.

A pass is a generator of candidates that is told of each whether it was kept, and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TypeVar

from generators.recipes import ObjectRecipe, Recipe, smaller, smaller_objects

T = TypeVar("T")
Pass = Callable[[T], Generator[T, bool, None]]


def reduce(start: T, passes: tuple[Pass[T], ...], still_fails: Callable[[T], bool], seconds: float) -> T:
    """The smallest candidate found within ``seconds`` of repeated passes."""
    until = time.monotonic() + seconds
    progress = True
    while progress:
        progress = False
        for each in passes:
            candidates = each(start)
            candidate = next(candidates, None)
            while candidate is not None:
                if time.monotonic() > until:
                    return start
                kept = still_fails(candidate)
                if kept:
                    start, progress = candidate, True
                try:
                    candidate = candidates.send(kept)
                except StopIteration:
                    break
    return start


def reduce_recipe(recipe: Recipe, still_fails: Callable[[Recipe], bool], seconds: float) -> Recipe:
    """A smaller recipe: what it makes is valid by construction, and a near miss still breaks its rule."""
    return reduce(recipe, (_fewer_or_simpler,), still_fails, seconds)


def reduce_object(
    recipe: ObjectRecipe, still_fails: Callable[[ObjectRecipe], bool], seconds: float
) -> ObjectRecipe:
    """A smaller recipe of an object."""
    return reduce(recipe, (restarted(smaller_objects),), still_fails, seconds)


def _fewer_or_simpler(recipe: Recipe) -> Generator[Recipe, bool, None]:
    """Half of the productions at first, then single ones, then simpler ones."""
    count = len(recipe.seeds) // 2
    while count:
        start = len(recipe.seeds) - count
        while start >= 0:
            candidate = replace(recipe, seeds=recipe.seeds[:start] + recipe.seeds[start + count :])
            if (yield candidate):
                recipe = candidate
            start -= count
        count //= 2
    yield from restarted(smaller)(recipe)


def restarted(propose: Callable[[T], Iterator[T]]) -> Pass[T]:
    """A pass that begins anew with each candidate that is kept."""

    def candidates(start: T) -> Generator[T, bool, None]:
        progress = True
        while progress:
            progress = False
            for candidate in propose(start):
                if (yield candidate):
                    start, progress = candidate, True
                    break

    return candidates
