"""Judgements that wait for other kernels: to boot them takes seconds, and programs are judged meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.campaign.subjects import ProgramSubject
from conformance.observing.observation import Observation
from conformance.observing.siblings import Siblings
from conformance.properties.property import Property


@dataclass(frozen=True, slots=True)
class PostponedJudgement:
    """What a property is to say of a program when other kernels have been asked about it."""

    row: Property
    observation: Observation
    subject: ProgramSubject


@dataclass(slots=True)
class Postponed:
    """Of one worker, which asks these siblings: booted when there is something to ask them, all at once."""

    siblings: Siblings
    asked: bool = False
    """They run, and nothing is postponed any more."""
    waiting: list[PostponedJudgement] = field(default_factory=list)

    def concerns(self, row: Property, observation: Observation) -> bool:
        """Whether the judgement is one to postpone."""
        return not self.asked and row.needs_siblings is not None and row.needs_siblings(observation)

    def put(self, judgement: PostponedJudgement) -> None:
        """Have it wait, and the siblings booted."""
        self.siblings.begin()
        self.waiting.append(judgement)

    @property
    def is_due(self) -> bool:
        """Whether there is something to ask, and nobody has to wait for an answer."""
        return bool(self.waiting) and self.siblings.machines.all_are_there

    def take(self) -> list[PostponedJudgement]:
        """All that wait, to be judged now."""
        self.asked = self.asked or bool(self.waiting)
        taken, self.waiting = self.waiting, []
        return taken
