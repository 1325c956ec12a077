"""Sampling: how much of what could be asked a run asks about each of its programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.observing.observation import Observation
from conformance.observing.opinions import BRIEF, QUICK
from conformance.observing.question import Attempts, Question
from conformance.properties.property import Property
from generators.programs import Generated, Purpose
from oracles.reference import Budget

HARDENED_EVERY = 4
"""Programs per one that the hardened JIT runs too."""
REFERENCE_EVERY = 44
"""Programs per one that is put to the reference verifier whatever the kernel says."""
DARING_EVERY = 3
"""The same, of programs whose safety their generator does not know."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """For the properties of one run."""

    rows: tuple[Property, ...]

    @property
    def runs(self) -> bool:
        """Whether programs are run at all: some property reads what they do."""
        return any(row.runs for row in self.rows if row.judge is not None)

    def question(self, generated: Generated, number: int) -> Question:
        """What the kernel is asked about program ``number``."""
        if not self.runs:
            attempts = Attempts.LOAD
        else:
            attempts = Attempts.RUN if number % HARDENED_EVERY else Attempts.ALL
        return Question.of(generated, attempts, None)

    def with_reference(self, observation: Observation, number: int) -> Observation:
        """Allowed to ask the reference verifier where that is worth its time: where the kernel said what was
        not expected, and now and then elsewhere."""
        budget = _worth(observation, number) if self.runs else None
        return observation if budget is None else observation.with_budget(budget)

    def asked(self, number: int, question: Question) -> Iterable[Property]:
        """The properties that judge program ``number``: one that is alone is asked about all that it can
        judge."""
        alone = len(self.rows) == 1
        return (
            row
            for row in self.rows
            if row.judge and (alone or row.asked(number, question.generated)) and row.can_judge(question)
        )


def _worth(observation: Observation, number: int) -> Budget | None:
    """What the reference may spend on the program; None where it is not asked."""
    daring = observation.generated.purpose is Purpose.DARING
    expected = observation.accepted == (observation.generated.purpose is Purpose.VALID)
    if not (daring or expected):
        return QUICK
    return None if number % (DARING_EVERY if daring else REFERENCE_EVERY) else BRIEF
