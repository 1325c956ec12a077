"""Judgements that wait for other kernels: to boot them takes seconds, and no judgement is urgent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from conformance.campaign.subjects import ProgramSubject
from conformance.observing.observation import Observation
from conformance.properties.property import Property

SECONDS, ENOUGH = 30.0, 12
"""What is postponed waits so long, or for so many more."""


@dataclass(frozen=True, slots=True)
class PostponedJudgement:
    """What a property is to say of a program when other kernels have been asked about it."""

    row: Property
    observation: Observation
    subject: ProgramSubject


@dataclass(slots=True)
class Postponed:
    """Of one worker.  ``asked``: other kernels run, and nothing is postponed any more."""

    asked: bool = False
    waiting: list[PostponedJudgement] = field(default_factory=list)
    since: float = 0.0
    """When the oldest began to wait."""

    def concerns(self, row: Property, observation: Observation) -> bool:
        """Whether the judgement is one to postpone."""
        return not self.asked and row.needs_siblings is not None and row.needs_siblings(observation)

    def put(self, judgement: PostponedJudgement) -> None:
        """Have it wait."""
        self.since = self.since if self.waiting else time.monotonic()
        self.waiting.append(judgement)

    @property
    def is_due(self) -> bool:
        """Whether other kernels are to be asked now."""
        return bool(self.waiting) and (
            len(self.waiting) >= ENOUGH or time.monotonic() - self.since >= SECONDS
        )

    def take(self) -> list[PostponedJudgement]:
        """All that wait, to be judged now."""
        self.asked = self.asked or bool(self.waiting)
        taken, self.waiting = self.waiting, []
        return taken
