"""A property: a row of the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from conformance.observing.loss import Loss
from conformance.observing.object_observation import ObjectObservation
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.properties.judgement import Judgement
from ebpf.signature import Sameness, Signature
from generators.programs import Generated
from reports.records import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """Everything that the front doors need to know of one kind of disagreement."""

    kind: str
    severity: Severity
    floor: float
    """Share of what was asked about (programs, or objects where only those are judged) that must have been
    judged for "nothing found" to mean anything."""
    judge: Callable[[Observation], Iterable[Judgement]] | None = None
    """Of a program; None for a property of objects only."""
    judge_object: Callable[[ObjectObservation], Iterable[Judgement]] | None = None
    judge_loss: Callable[[Loss], Iterable[Judgement]] | None = None
    variants: Callable[[Observation], Sequence[Question]] | None = None
    """What the same kernel is asked about other programs first.  Called again with the answers, which are
    added to :attr:`Observation.variants`, until nothing more is wanted."""
    needs_siblings: Callable[[Observation], bool] | None = None
    """Whether other kernels are to be asked about the program first: :attr:`Observation.elsewhere`."""
    fits: Callable[[Observation, Signature], bool] | None = None
    """Whether what kernels say goes with a disagreement of that signature, where oracles are slow: asked
    without and then with what siblings say, before all else, of programs that may be smaller ones of it."""
    asked: Callable[[int, Generated], bool] = lambda number, generated: True
    """Whether a run asks it about its program of this number: for what takes longer than others."""
    attempts: Attempts = Attempts.LOAD
    """How a program is loaded to see a disagreement again."""
    runs: bool = True
    """Whether it reads what programs do when they are run; where no property does, none is."""
    reference: bool = False
    """Whether it needs the reference verifier to see a disagreement again."""
    experiments: bool = False
    """Whether it is about programs of experiments."""
    reads_intent: bool = False
    """Whether a disagreement rests on what a near miss was made to break."""
    reads_claims: bool = False
    """Whether it reads claims of the kernel's log, which no kernel before 6.1 writes in a dialect we read."""
    localises: bool = False
    """Whether its culprit is found by replacing instructions with constants."""
    sameness: Sameness = Sameness.WHOLE
    """What of a signature is the same in a smaller program."""
    native: bool = False
    """Whether it is asked on kernels of the host's own architecture only."""
    judges_losses: bool = False
    """Whether it is asked about a program whose runs take the machine away, too."""
    should_accept: bool | None = None
    """The verdict of a right kernel, where a disagreement tells it."""
    in_checks: bool = True
    """Whether it is asked of single programs and in the suite too: not where other kernels would have to be
    booted for every program."""
    expects_result: bool = False
    """Whether a right kernel's run returns what our interpreter returned."""

    def can_judge(self, question: Question) -> bool:
        """Whether what is asked gives what it reads: runs, and claims of the walk."""
        runs = question.has_runs or self.judges_losses or not self.runs
        return runs and (question.is_logged or not self.reads_claims)
