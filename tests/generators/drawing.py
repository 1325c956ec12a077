"""Random programs without Hypothesis: what a campaign sees, for tests that count."""

from __future__ import annotations

import random
from collections.abc import Iterator

from generators.dice import WIDTH
from generators.profiles import Profile
from generators.programs import Generated, build
from oracles.interpreter import Outcome, Returned

MIXED = Profile(inputs=2)
VALID = Profile(inputs=3, near_misses_in=0, daring_in=0)
NEAR = Profile(inputs=4, near_misses_in=1, daring_in=0)
DARING = Profile(inputs=2, near_misses_in=0, daring_in=1)


NOT_FOLLOWED = ("the packet after ", "access to ", "the context of ")
"""How the reasons begin for which the interpreter abstains from a valid program."""


def ran(outcome: Outcome) -> bool:
    """Whether nothing was wrong with the run."""
    return isinstance(outcome, Returned) or getattr(outcome, "reason", "").startswith(NOT_FOLLOWED)


def draws(count: int, profile: Profile, seed: int = 1) -> Iterator[Generated]:
    """``count`` programs."""
    rng = random.Random(seed)
    for _ in range(count):
        yield build(
            rng.getrandbits(256), [rng.getrandbits(WIDTH) for _ in range(rng.randrange(6, 49))], profile
        )
