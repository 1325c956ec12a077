"""One case as everybody saw it."""

from __future__ import annotations

from functools import cached_property

from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, KernelVerdict, Loaded
from conformance.kernel.verdicts import Judgement as Ruling
from conformance.kernel.verdicts import judge_answer
from conformance.second_opinion import by_intervals, linux, opinion
from ebpf.assembly import text
from ebpf.isa.forms import Form
from ebpf.isa.table import IllegalInsn, form_of
from ebpf.program import Case, LoadFlag
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.log import Log, parse_log
from generators.programs import Generated
from oracles.interpreter import Outcome, Step, run
from oracles.reference import Budget, ReferenceAnswer, ReferenceVerdict

STEP_LIMIT = 20_000


def plan(case: Case, number: int) -> Job:
    """The attempts to make with a case: JIT with the full log, the kernel's interpreter, and now and then (by
    ``number``) the JIT with constants blinded and high halves randomised."""
    attempts = [Attempt(Jit.ON, 2), Attempt(Jit.OFF, 0)]
    if number % 4 == 0:
        attempts.append(Attempt(Jit.HARDENED, 0, LoadFlag.TEST_RND_HI32))
    return Job(case, tuple(attempts))


def load_only(case: Case) -> Job:
    """The one attempt that verdict and log need."""
    return Job(case, (Attempt(Jit.ON, 2, run=False),))


class Observation:
    """A case, what was asked of the kernel and what it answered; the interpreter runs when first asked for.

    The first attempt is the one with a log: verdicts and claims are its.  ``release`` is the kernel's;
    ``reference`` is what the reference verifier may spend, None where it is not asked.
    """

    def __init__(
        self,
        generated: Generated,
        job: Job,
        answer: KernelAnswer,
        release: str = "",
        *,
        reference: Budget | None = None,
    ) -> None:
        self.generated = generated
        self.case = generated.case
        self.job = job
        self.answer = answer
        self.release = release
        self.budget = reference

    @property
    def main(self) -> Loaded | None:
        """The attempt with a log; None when no attempt could be made."""
        return self.answer.attempts[0] if self.answer.attempts else None

    @cached_property
    def ruling(self) -> Ruling:
        """The kernel's verdict on the first attempt."""
        return judge_answer(self.answer, 0)

    @property
    def accepted(self) -> bool:
        """Whether the kernel accepted the program."""
        return self.ruling.verdict is KernelVerdict.ACCEPT

    @cached_property
    def runs(self) -> tuple[tuple[Outcome, tuple[Step, ...]], ...]:
        """The interpreter's outcome and trace for each input."""
        judged = []
        for data in self.case.inputs:
            trace: list[Step] = []
            outcome = run(self.case, data, trace=trace, limit=STEP_LIMIT)
            judged.append((outcome, tuple(trace)))
        return tuple(judged)

    @cached_property
    def reference(self) -> ReferenceAnswer | None:
        """What the reference verifier says; None where it is not asked."""
        return None if self.budget is None else opinion(self.case, self.budget)

    @cached_property
    def provable(self) -> bool:
        """Whether intervals and tnums alone prove the program safe, coming by the instruction that was
        refused.

        Where they show that no run gets there, the kernel need not have seen that.
        """
        if self.budget is None:
            return False
        answer = by_intervals(self.case, self.budget)
        refused = self.ruling.instruction
        if answer.verdict is not ReferenceVerdict.SAFE or answer.refused_by(linux(self.release)):
            return False
        return refused is None or refused in answer.visited

    @cached_property
    def log(self) -> Log | None:
        """The parsed log of the first attempt."""
        if self.main is None or not self.main.log:
            return None
        return parse_log(self.main.log, truncated=self.main.log_truncated)

    @cached_property
    def exploration(self) -> Exploration | None:
        """The paths the verifier explored."""
        return (
            None
            if self.log is None
            else Exploration(self.log, self.case.program.instructions, accepted=self.accepted)
        )

    def form(self, at: int) -> Form | None:
        """The form of the instruction at slot ``at``, where there is a legal one."""
        try:
            return form_of(self.case.program.instructions[at])
        except (IllegalInsn, IndexError):
            return None

    def form_name(self, at: int) -> str:
        """Its name, for signatures."""
        form = self.form(at)
        return form.name if form else "illegal"

    def text(self, at: int) -> str:
        """The instruction as the kernel prints it."""
        insns = self.case.program.instructions
        return (
            text(insns[at], insns[at + 1] if at + 1 < len(insns) else None)
            if self.form(at)
            else "illegal instruction"
        )
