"""Shrinking: the smallest program that shows a disagreement, sought as a recipe first, then as a text."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from conformance.campaign.passes import reduce_inputs, reduce_program
from conformance.campaign.reduction import reduce_recipe
from conformance.observing.door import Door, Sighting, question_like
from conformance.observing.intents import is_broken
from conformance.observing.opinions import QUICK
from conformance.observing.question import Question
from conformance.properties.property import Property
from ebpf.signature import Sameness, form_name
from generators.programs import Generated
from generators.recipes import Recipe

RECIPE_SHARE = 3
"""Of the time, one part in so many goes to the recipe."""
MIN_SECONDS = 0.5
"""For the text, whatever the recipe took."""

T = TypeVar("T")
Reduction = Callable[[T, Callable[[T], bool], float], T]


class Shrinking:
    """Of one disagreement, on the kernel behind a door."""

    def __init__(self, door: Door, sighting: Sighting, row: Property, sameness: Sameness) -> None:
        self.door = door
        self.row = row
        self.signature = sighting.disagreement.signature
        self.sameness = sameness
        self.best = sighting
        """The smallest so far."""
        self._edits = False
        """Whether the text is edited, which no generator answers for."""

    def shrink(self, recipe: Recipe, seconds: float) -> Sighting:
        """The smallest found in that time."""
        until = time.monotonic() + seconds
        self._reduce(recipe, reduce_recipe, lambda each: each.make(), seconds / RECIPE_SHARE)
        smallest = self.best.observation.generated
        if not self.row.reads_intent:
            smallest = replace(smallest, intent=None)
        self._edits = True
        reduction = reduce_program if self._is_still_broken(self.best) else reduce_inputs
        self._reduce(smallest, reduction, lambda each: each, max(MIN_SECONDS, until - time.monotonic()))
        return self.best

    def _reduce(
        self, start: T, reduction: Reduction[T], make: Callable[[T], Generated], seconds: float
    ) -> None:
        """By what kernels say alone, where that tells something, and from there by all that the property
        asks."""
        until = time.monotonic() + seconds
        if self.row.fits is not None:
            smaller = reduction(start, lambda each: self._fits(make(each)), seconds / 2)
            if self._still_shows(make(smaller)):
                start = smaller
        reduction(start, lambda each: self._still_shows(make(each)), until - time.monotonic())

    def _question(self, generated: Generated) -> Question:
        return question_like(self.best, self.row, generated)

    def _fits(self, generated: Generated) -> bool:
        return self.door.fits(self._question(generated), self.row, self.signature)

    def _still_shows(self, generated: Generated) -> bool:
        if self.sameness is Sameness.ANY_CULPRIT and self.signature.culprit not in map(
            form_name, generated.case.program.instructions
        ):
            return False  # without the instruction to blame it is another bug
        again = self.door.again(
            self._question(generated), self.signature, self.sameness, self.best.disagreement.right
        )
        if not isinstance(again, Sighting) or not self._is_still_broken(again):
            return False
        if _is_left_to_chance(again) and not _is_left_to_chance(self.best):
            return False  # a reproducer could not tell what a right kernel's run holds
        self.best = again
        return True

    def _is_still_broken(self, sighting: Sighting) -> bool:
        """Whether an oracle finds broken what a near miss breaks on purpose, where its text is edited and the
        disagreement is over that."""
        intent = sighting.observation.generated.intent
        if intent is None or not self._edits or not self.row.reads_intent:
            return True
        return is_broken(sighting.observation.with_budget(QUICK), intent)


def _is_left_to_chance(sighting: Sighting) -> bool:
    """Whether the run that shows it reads what no input decides: stack that was never written, say."""
    number = sighting.disagreement.input
    runs = sighting.observation.runs if number is not None else ()
    return number is not None and number < len(runs) and not getattr(runs[number][0], "predictable", False)
