"""What a production is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from generators.builder import Builder
from generators.conditions import Condition
from generators.dice import Dice


@dataclass(frozen=True, slots=True)
class Production:
    """A row: a few instructions that belong together, and where they fit."""

    name: str
    weight: int
    """How often it is chosen, relative to others."""
    apply: Callable[[Builder, Dice], bool]
    """Append it; False, having changed nothing, when it does not fit for a reason that ``needs`` does not
    say."""
    needs: tuple[Condition, ...] = ()

    def missing(self, b: Builder) -> Condition | None:
        """The first thing that it needs and that is not there."""
        for condition in self.needs:
            if not condition.holds(b):
                return condition
        return None
