"""A question: what is asked about one program, of the kernel and of the oracles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from conformance.kernel.jobs import Attempt, Jit, Job
from ebpf.intent import is_long
from ebpf.program import Case, LoadFlag
from generators.programs import Generated
from oracles.reference import Budget

LOG_STATS = 4
"""BPF_LOG_STATS (include/linux/bpf_verifier.h, since 5.2): what the verifier says of a refusal and of its own
work, and nothing of the walk."""

LESS_LOG = {2: 1, 1: LOG_STATS}
"""By log level: the one to ask with where the log was too small to hold it all."""


class Attempts(Enum):
    """The ways to load a program that are asked for together.

    The first always has a log: verdict and claims are its.
    """

    LOAD = (Attempt(Jit.ON, 2, run=False),)
    """For verdict and log."""
    VERDICT = (Attempt(Jit.ON, 1, run=False),)
    """For the verdict alone: the log has only what a refused program's last path was."""
    UNLOGGED = (Attempt(Jit.ON, LOG_STATS, run=False),)
    """For the verdict of a walk that takes longer to print than anybody waits."""
    ONCE = (Attempt(Jit.ON, 1),)
    """For the verdict, and what a run by the JIT leaves."""
    RUN = (Attempt(Jit.ON, 2), Attempt(Jit.OFF, 0))
    """By the JIT and by the kernel's interpreter."""
    ALL = (*RUN, Attempt(Jit.HARDENED, 0, LoadFlag.TEST_RND_HI32))
    """And by the JIT with constants blinded and upper halves randomised."""


@dataclass(frozen=True, slots=True)
class Question:
    """Asked by :mod:`conformance.observing.door`."""

    generated: Generated
    """The program, its inputs, and what its generator knows of it."""
    attempts: tuple[Attempt, ...]
    budget: Budget | None
    """What the reference verifier may spend; None: it is not asked."""

    @classmethod
    def of(cls, generated: Generated, attempts: Attempts, budget: Budget | None) -> Question:
        """Asked in these ways; about a walk that is too long to print, for the verdict alone."""
        asked = Attempts.UNLOGGED if is_long(generated.intent) else attempts
        return cls(generated, asked.value, budget)

    @property
    def case(self) -> Case:
        """The program and its inputs."""
        return self.generated.case

    @property
    def job(self) -> Job:
        """What the kernel gets of it."""
        return Job(self.case, self.attempts)

    @property
    def log_level(self) -> int:
        """Of the attempt that verdict and claims are read from."""
        return self.attempts[0].log_level

    @property
    def is_logged(self) -> bool:
        """Whether the walk is in the log, or as much of it as a refusal needs."""
        return self.log_level != LOG_STATS

    @property
    def has_runs(self) -> bool:
        """Whether the program is run where it is accepted."""
        return any(attempt.run for attempt in self.attempts)

    def with_less_log(self) -> Question | None:
        """The same with the next smaller log; None where there is none."""
        return self.with_log(LESS_LOG[self.log_level]) if self.log_level in LESS_LOG else None

    def with_log(self, level: int) -> Question:
        """The same, with this log level where there is a log."""
        attempts = (replace(each, log_level=level if each.log_level else 0) for each in self.attempts)
        return replace(self, attempts=tuple(attempts))

    def without_runs(self) -> Question:
        """The same, but the program is only loaded."""
        return replace(self, attempts=tuple(replace(attempt, run=False) for attempt in self.attempts))

    def by(self, attempts: Attempts) -> Question:
        """The same, loaded in other ways."""
        return replace(self, attempts=attempts.value)

    def about(self, case: Case) -> Question:
        """The same of another case."""
        return replace(self, generated=replace(self.generated, case=case))
