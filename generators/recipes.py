"""Recipes: the integers that a program or object is made of.

Whoever draws them, a run from its seed or Hypothesis for a test, what is made is a pure function of them; and
a smaller recipe makes a smaller program that is valid by construction too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from generators import experiments, programs
from generators.dice import WIDTH, Dice
from generators.objects import ObjectFile, break_object, well_formed
from generators.profiles import Profile
from generators.programs import Generated

HEADER_WIDTH = 256
MIN_PRODUCTIONS, MAX_PRODUCTIONS = 6, 48
MEAN_MORE = 6
"""Productions beyond the fewest, on average: the longer a program, the rarer."""
MAX_PROGRAMS, MAX_PROGRAM_PRODUCTIONS = 3, 12
"""Of an object, which is to be opened: what its programs do matters little."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Of a program."""

    header: int
    """Decides the frame."""
    seeds: tuple[int, ...]
    """Each decides a production, or an experiment."""
    of_experiments: bool
    profile: Profile

    def make(self) -> Generated:
        """The program."""
        build = experiments.build if self.of_experiments else programs.build
        return build(self.header, self.seeds, self.profile)


@dataclass(frozen=True, slots=True)
class ObjectRecipe:
    """Of an ELF object."""

    header: int
    seeds: tuple[tuple[int, ...], ...]
    """A list for each program."""
    breaking: int | None
    """Decides the field to break; None: the object is well-formed."""

    def make(self) -> ObjectFile:
        """The object."""
        data = well_formed(self.header, self.seeds).data
        return ObjectFile(data) if self.breaking is None else break_object(data, Dice(self.breaking))


def draw(rng: random.Random, profile: Profile) -> Recipe:
    """A recipe for ``profile``."""
    of_experiments = profile.experiments_in > 0 and rng.randrange(profile.experiments_in) == 0
    header = rng.getrandbits(HEADER_WIDTH)
    if of_experiments:
        count, width = rng.randint(1, experiments.MAX_EXPERIMENTS), experiments.WIDTH
    else:
        count, width = _length(rng), WIDTH
    return Recipe(header, tuple(rng.getrandbits(width) for _ in range(count)), of_experiments, profile)


def draw_long(rng: random.Random, profile: Profile, productions: int) -> Recipe:
    """A recipe of a program, never of experiments, with so many productions: some four instructions each."""
    header = rng.getrandbits(HEADER_WIDTH)
    return Recipe(header, tuple(rng.getrandbits(WIDTH) for _ in range(productions)), False, profile)


def _length(rng: random.Random) -> int:
    count = MIN_PRODUCTIONS
    while count < MAX_PRODUCTIONS and rng.randrange(MEAN_MORE + 1):
        count += 1
    return count


def draw_object(rng: random.Random) -> ObjectRecipe:
    """A recipe of an object: half of them break a field."""
    header = rng.getrandbits(HEADER_WIDTH)
    seeds = tuple(
        tuple(rng.getrandbits(WIDTH) for _ in range(rng.randint(1, MAX_PROGRAM_PRODUCTIONS)))
        for _ in range(rng.randint(1, MAX_PROGRAMS))
    )
    return ObjectRecipe(header, seeds, rng.getrandbits(HEADER_WIDTH) if rng.randrange(2) else None)


def smaller(recipe: Recipe) -> Iterator[Recipe]:
    """Recipes of one production less, or with a simpler one: a die that is used up gives its first
    choice."""
    for at in range(len(recipe.seeds) - 1, -1, -1):
        yield replace(recipe, seeds=recipe.seeds[:at] + recipe.seeds[at + 1 :])
    for at, seed in enumerate(recipe.seeds):
        for kept in (0, 16, 40, 80):
            simpler = seed & ((1 << kept) - 1)
            if simpler != seed:
                yield replace(recipe, seeds=(*recipe.seeds[:at], simpler, *recipe.seeds[at + 1 :]))


def smaller_objects(recipe: ObjectRecipe) -> Iterator[ObjectRecipe]:
    """Recipes of one program less, of one production less, or with a simpler header."""
    for at in range(len(recipe.seeds) if len(recipe.seeds) > 1 else 0):
        yield replace(recipe, seeds=recipe.seeds[:at] + recipe.seeds[at + 1 :])
    for at, seeds in enumerate(recipe.seeds):
        for gone in range(len(seeds) if len(seeds) > 1 else 0):
            fewer = seeds[:gone] + seeds[gone + 1 :]
            yield replace(recipe, seeds=(*recipe.seeds[:at], fewer, *recipe.seeds[at + 1 :]))
    if recipe.header:
        yield replace(recipe, header=0)
