"""One case as everybody saw it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

from conformance.kernel.jobs import KernelAnswer, KernelVerdict, Loaded
from conformance.kernel.verdicts import Ruling, judge_answer
from conformance.observing.opinions import by_intervals, linux, opinion
from conformance.observing.question import Question
from conformance.observing.siblings import SiblingRuling
from ebpf.assembly import text
from ebpf.byte_order import ByteOrder
from ebpf.isa.forms import Form
from ebpf.isa.table import IllegalInsn, form_of
from ebpf.program import Case
from ebpf.signature import ILLEGAL, form_name
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.log import Log, parse_log
from generators.programs import Generated
from oracles.interpreter import Outcome, Step, run
from oracles.reference import Budget, ReferenceAnswer, ReferenceVerdict

STEP_LIMIT = 20_000
"""Instructions of a run of the interpreter."""


class Observation:
    """A case, what was asked of the kernel and what it answered; the interpreter runs when first asked for.

    The first attempt is the one with a log: verdict and claims are its.
    """

    def __init__(
        self,
        question: Question,
        answer: KernelAnswer,
        release: str,
        *,
        variants: Mapping[str, tuple[Observation, ...]] = MappingProxyType({}),
        elsewhere: tuple[SiblingRuling, ...] = (),
    ) -> None:
        self.question = question
        self.answer = answer
        self.release = release
        """The kernel's, as ``uname -r`` prints it."""
        self.variants = variants
        """By property: what it asked to be observed beside this, on the same kernel."""
        self.elsewhere = elsewhere
        """What other kernels say of the program, where a property needs that; the oldest first."""

    @property
    def generated(self) -> Generated:
        """The program with what its generator knows of it."""
        return self.question.generated

    @property
    def byte_order(self) -> ByteOrder:
        """Of the machine that the program is for."""
        return self.case.program.byte_order

    @property
    def case(self) -> Case:
        """The program and its inputs."""
        return self.question.case

    def with_case(self, case: Case) -> Observation:
        """The same answers about another case: one that differs in its inputs only, on which a verdict
        does not depend."""
        return Observation(
            self.question.about(case),
            self.answer,
            self.release,
            variants=self.variants,
            elsewhere=self.elsewhere,
        )

    def with_elsewhere(self, rulings: tuple[SiblingRuling, ...]) -> Observation:
        """Completed by what other kernels say."""
        completed = copy(self)
        completed.elsewhere = rulings
        return completed

    def with_budget(self, budget: Budget) -> Observation:
        """Allowed to ask the reference verifier."""
        allowed = copy(self)
        allowed.question = replace(self.question, budget=budget)
        for name in ("reference", "provable"):
            allowed.__dict__.pop(name, None)
        return allowed

    def with_variants(self, kind: str, observations: tuple[Observation, ...]) -> Observation:
        """This one, completed by what a property asked to be observed beside it."""
        completed = copy(self)
        completed.variants = {**self.variants, kind: observations}
        return completed

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

    @property
    def to_ask_instead(self) -> Question | None:
        """The question to ask instead, where the log was too small to say anything; None where it did."""
        too_small = self.main is not None and (self.main.log_truncated or self.main.errno == errno.ENOSPC)
        return self.question.with_less_log() if too_small else None

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
        budget = self.question.budget
        return None if budget is None else opinion(self.case, budget)

    @cached_property
    def provable(self) -> bool:
        """Whether intervals and tnums alone prove the program safe, coming by the instruction that was
        refused.

        Where they show that no run gets there, the kernel need not have seen that.
        """
        if self.question.budget is None:
            return False
        answer = by_intervals(self.case, self.question.budget)
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
        insns = self.case.program.instructions
        return form_name(insns[at]) if at < len(insns) else ILLEGAL

    @property
    def executed(self) -> frozenset[str]:
        """Names of the instruction forms that the kernel's runs executed, as far as they went as ours did."""
        slots = {step.at for _, trace in self.runs for step in trace}
        return frozenset(self.form_name(at).partition("(")[0] for at in slots)

    def text(self, at: int) -> str:
        """The instruction as the kernel prints it."""
        insns = self.case.program.instructions
        return (
            text(insns[at], insns[at + 1] if at + 1 < len(insns) else None)
            if self.form(at)
            else "illegal instruction"
        )
