"""A plug-in's program inside the one that runs it, and what is said of it in the numbers of its own slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ebpf import rules
from ebpf.program import Case
from oracles.interpreter import Outcome, Returned, Step, Trapped


@dataclass(frozen=True, slots=True)
class WrappedProgram:
    """A case whose main program calls the user's."""

    case: Case
    first: int
    """The slot in the case at which the program's own slot 0 would be."""
    slots: int
    """How many are its own."""

    def own_slot(self, at: int) -> int:
        """The program's own number of a slot of the case."""
        return at - self.first

    def fault(self, outcome: Outcome, trace: Sequence[Step]) -> str | None:
        """Where the program went wrong, and how; None where it returned what it should.

        What happens outside of it is its last instruction's doing: it went on there, or returned without a
        value.
        """
        left = self._departure(trace)
        if left is not None:
            return left
        if isinstance(outcome, Returned):
            return None
        at = self.own_slot(outcome.at)
        reason = outcome.detail if isinstance(outcome, Trapped) else outcome.reason
        if isinstance(outcome, Trapped) and outcome.rule is rules.JUMP_OUT_OF_RANGE:
            reason = self._beyond(at)
        if not 0 <= at < self.slots:
            own = (self.own_slot(step.at) for step in reversed(trace))
            at = next((each for each in own if 0 <= each < self.slots), 0)
        return f"at instruction {at}: {reason}"

    def _departure(self, trace: Sequence[Step]) -> str | None:
        """Where a called frame first ran what is not the program's own."""
        for before, step in pairwise(trace):
            at = self.own_slot(step.at)
            if step.frame > 0 and not 0 <= at < self.slots:
                return f"at instruction {self.own_slot(before.at)}: {self._beyond(at)}"
        return None

    def _beyond(self, at: int) -> str:
        return f"goes on at instruction {at} of {self.slots}"
