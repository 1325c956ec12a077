"""What the reference verifier and the interpreter say of a corpus, beside what kernels were measured to
say."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context

from conformance.corpus.records import Measured, Record
from conformance.observing.opinions import THOROUGH, linux, opinion
from ebpf.program import Case
from oracles.interpreter import Abstained, Returned, run
from oracles.reference import ReferenceAnswer, ReferenceVerdict

LONGEST_RUN = 2_000_000
"""Instructions of a run before the interpreter abstains."""
FRESH_AFTER = 25
"""Batches of eight programs that one process judges."""


@dataclass(frozen=True, slots=True)
class CorpusSubject:
    """A case and what kernels were measured to say of it."""

    id: str
    name: str
    case: Case
    privileged: bool
    measured: tuple[Measured, ...]
    missing: tuple[str, ...] = ()
    """What its CO-RE relocations name that the kernel's types do not have."""


@dataclass(frozen=True, slots=True)
class Return:
    """A run's result: ``value`` has 32 bits; None where there is none, for ``reason``.  ``sure``: chance
    cannot change it."""

    value: int | None
    sure: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """``returns``: what the interpreter said on each input.  ``seconds`` of CPU and ``megabytes`` at most, of
    the process that judged."""

    subject: CorpusSubject
    answer: ReferenceAnswer
    returns: tuple[Return, ...]
    seconds: float
    megabytes: int


def subjects(records: tuple[Record, ...]) -> Iterator[CorpusSubject]:
    """Every record with privilege, and without where that was measured."""
    for record in records:
        for privileged, case in ((True, record.privileged), (False, record.unprivileged)):
            if case is not None:
                usable = tuple(m for m in record.measured if m.privileged is privileged and not m.environment)
                yield CorpusSubject(record.id, record.name, case, privileged, usable)


def judge(subject: CorpusSubject) -> Judged:
    """Both oracles."""
    started = time.process_time()
    answer = opinion(subject.case, THOROUGH)
    seconds = time.process_time() - started
    returns = tuple(_returned(subject.case, number) for number in range(len(subject.case.inputs)))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Judged(subject, answer, returns, seconds, megabytes)


def _returned(case: Case, number: int) -> Return:
    """What the run returns, or, where chance decides, what it returns on an idle machine."""
    data = case.inputs[number]
    outcome = run(case, data, limit=LONGEST_RUN)
    if isinstance(outcome, Returned) and not outcome.predictable:
        outcome = run(case, data, idle=True, limit=LONGEST_RUN)
    if isinstance(outcome, Returned):
        return Return(outcome.r0 & 0xFFFF_FFFF, sure=outcome.predictable)
    reason = outcome.reason if isinstance(outcome, Abstained) else f"traps: {outcome.rule.name}"
    return Return(None, reason=reason)


def judge_all(every: list[CorpusSubject], workers: int) -> Iterator[Judged]:
    """In the order given, by processes that are made anew now and then: Z3 gives back little of the memory it
    took."""
    with get_context("forkserver").Pool(workers, maxtasksperchild=FRESH_AFTER) as pool:
        yield from pool.imap(judge, every, chunksize=8)


def accusations(judged: Judged) -> Iterator[tuple[str, str]]:
    """(kernel, what): kernels that accepted what is unsafe to us, or what we said they refuse."""
    for measured in judged.subject.measured:
        if not measured.accepted:
            continue
        if judged.answer.verdict is ReferenceVerdict.UNSAFE:
            yield (
                measured.kernel,
                f"unsafe: {judged.answer.rule} at instruction {judged.answer.at} ({judged.answer.detail})",
            )
        for broken in judged.answer.refused_by(linux(measured.kernel)):
            yield measured.kernel, f"policy: {broken.rule} at instruction {broken.at} ({broken.detail})"


def gaps(judged: Judged) -> Iterator[tuple[str, str]]:
    """(kernel, message): kernels that refused what is safe to us, with no rule of theirs to explain it."""
    if judged.answer.verdict is not ReferenceVerdict.SAFE:
        return
    for measured in judged.subject.measured:
        if not measured.accepted and not judged.answer.refused_by(linux(measured.kernel)):
            yield measured.kernel, measured.message


def answered(judged: Judged) -> bool:
    """Safe, unsafe, or a rule of form or policy is broken that binds every kernel which was asked."""
    if judged.answer.verdict is not ReferenceVerdict.UNKNOWN:
        return True
    kernels = {linux(measured.kernel) for measured in judged.subject.measured}
    return bool(kernels) and all(judged.answer.refused_by(kernel) for kernel in kernels)
