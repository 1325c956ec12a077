"""What is left of a program still shows its disagreement, for the same reason."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from conformance.campaign.shrinking import Shrinking
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.observing.door import Door, Sighting, question_of
from conformance.observing.intents import is_broken
from conformance.observing.observation import Observation
from conformance.observing.opinions import QUICK
from conformance.properties.registry import PROPERTIES
from generators.profiles import Profile
from generators.programs import Generated
from generators.recipes import Recipe, draw
from oracles.interpreter import Returned
from tests.lying import lies, small
from tests.lying.asking import NOBODY
from tests.lying.kernel import LyingKernel

NEAR_MISSES = Profile(near_misses_in=1, daring_in=0, unprivileged_in=0, inputs=2)


def accepts_all(job: Job, answer: KernelAnswer) -> KernelAnswer:
    return lies.accept(answer)


def sighted(door: Door, kind: str, generated: Generated) -> Sighting | None:
    observation = door.observe(question_of(PROPERTIES[kind], generated))
    assert isinstance(observation, Observation)
    return next(door.sightings(observation, [kind]), None)


def shrunk(door: Door, sighting: Sighting, recipe: Recipe) -> Sighting:
    row = PROPERTIES[sighting.disagreement.kind]
    return Shrinking(door, sighting, row, row.sameness).shrink(recipe, 20.0)


@pytest.mark.parametrize("rule", ["map-value-bounds", "unreleased-reference", "uninitialised-register"])
def test_a_near_miss_becomes_small_and_still_breaks_its_rule(rule: str) -> None:
    """The kernel accepts whatever is left: that the rule is broken there must be the oracles' word."""
    rng = random.Random(3)
    with LyingKernel(accepts_all).session() as session:
        door = Door.of_session(session, NOBODY)
        for recipe in (draw(rng, NEAR_MISSES) for _ in range(4000)):
            generated = recipe.make()
            if generated.rule is None or generated.rule.name != rule:
                continue
            sighting = sighted(door, "rule", generated)
            if sighting is not None and sighting.observation.generated.intent is not None:
                break
        else:
            raise AssertionError("none was drawn")
        small = shrunk(door, sighting, recipe)
    final = small.observation.generated
    assert len(final.case.program.instructions) <= 14 < len(generated.case.program.instructions)
    assert small.disagreement.signature == sighting.disagreement.signature
    intent = final.intent
    assert intent is not None
    assert intent.rule.name == rule
    assert is_broken(small.observation.with_budget(QUICK), intent)


THROUGH_THE_STACK = """
    r6 = *(u32 *)(r1 +8)
    *(u64 *)(r10 -8) = r6
    r7 = *(u8 *)(r10 -8)
    w7 |= 16
    r0 = 0
    exit
"""


def test_what_the_run_holds_is_never_left_to_chance() -> None:
    """Without the store the byte is whatever the stack holds: the claim is as wrong, and no reproducer could
    tell."""

    def narrows(job: Job, answer: KernelAnswer) -> KernelAnswer:
        first, *others = answer.attempts
        log = first.log
        if "r7 = *(u8 *)(r10 -8)" in log:
            log = log.replace("w7 |= 16 ; R7=scalar()", "w7 |= 16 ; R7=scalar(umax=15)")
        return replace(answer, attempts=(replace(first, log=log), *others))

    made = small.program(THROUGH_THE_STACK, 5)
    with LyingKernel(narrows).session() as session:
        door = Door.of_session(session, NOBODY)
        sighting = sighted(door, "bounds", made)
        assert sighting is not None
        left = shrunk(door, sighting, Recipe(0, (), False, NEAR_MISSES))
    outcome, _ = left.observation.runs[0]
    assert isinstance(outcome, Returned)
    assert outcome.predictable
