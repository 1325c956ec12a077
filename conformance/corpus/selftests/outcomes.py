"""What a kernel did with a selftest's program, beside what the selftest expects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from conformance.corpus.judging import CorpusSubject
from conformance.corpus.records import Measured
from conformance.corpus.selftests.messages import unmet
from conformance.corpus.selftests.tags import POINTER_VALUE
from conformance.corpus.selftests.trials import SelftestTrial
from conformance.kernel.errnos import errno_name
from conformance.kernel.jobs import KernelAnswer, KernelVerdict, Lost
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import NO_VERDICT, judge_answer
from conformance.objects.untyped import types_refused, untyped
from ebpf.program import Case

TEST_MODULE = re.compile(r"bpf_testmod|bpf_kfunc_|bpf_iter_testmod|kfunc_call_test")
"""Functions of the selftests' own kernel module (tools/testing/selftests/bpf/test_kmods)."""
_WORD = 0xFFFF_FFFF


class SelftestAgreement(Enum):
    """AGREE and DISAGREE are about kernel and expectation; all else is no opinion."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"
    NONE = "no verdict"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``detail``: why there is no agreement.  ``kernel``: in a word what it said; ``subject`` is for the
    oracles, with what the kernel was measured to say (None where there is no case)."""

    trial: SelftestTrial
    agreement: SelftestAgreement
    kernel: str
    detail: str
    subject: CorpusSubject | None


def ask(session: KernelSession, release: str, trials: list[SelftestTrial]) -> Iterator[Outcome]:
    """Each trial's outcome, in their order."""
    for trial in trials:
        if trial.skipped or trial.case is None:
            agreement = SelftestAgreement.SKIPPED if trial.skipped else SelftestAgreement.UNSUPPORTED
            yield Outcome(trial, agreement, "", trial.skipped or trial.unsupported, None)
        else:
            yield _asked(session, release, trial, trial.case)


def _asked(session: KernelSession, release: str, trial: SelftestTrial, case: Case) -> Outcome:
    """With types, and without where the kernel refuses these: to libbpf they are optional (libbpf.c,
    kernel_needs_btf).  Compilers leave out the names of a naked function's parameters, which no kernel takes.
    """
    answer = session.run(trial.job())
    if types_refused(answer):
        trial = replace(trial, case=replace(case, program=untyped(case.program)))
        answer = session.run(trial.job())
    return compare(trial, answer, release)


def compare(trial: SelftestTrial, answer: KernelAnswer | Lost, release: str) -> Outcome:
    """One answer against the trial's expectation, as run_subtest of test_loader.c compares them."""
    assert trial.case is not None
    ruling = judge_answer(answer, 0)
    if isinstance(answer, Lost):
        return Outcome(
            trial, SelftestAgreement.NONE, "lost", f"the machine was lost: {answer.reason.value}", None
        )
    if answer.missing is not None:
        what = "test module" if TEST_MODULE.search(answer.missing) else "not in this kernel's BTF"
        return Outcome(trial, SelftestAgreement.UNSUPPORTED, "", f"{what}: {answer.missing}", None)
    if answer.map_errno is not None:
        return Outcome(trial, SelftestAgreement.UNSUPPORTED, "", ruling.reason, None)
    loaded = answer.attempts[0]
    accepted = loaded.errno == 0
    measured: tuple[Measured, ...] = ()
    if ruling.verdict in (KernelVerdict.ACCEPT, KernelVerdict.REJECT):
        values = tuple(run.retval if run.errno == 0 else None for run in loaded.runs)
        measured = (
            Measured(
                release,
                trial.privileged,
                accepted,
                loaded.errno,
                ruling.message or "",
                values,
                "",
                loaded.verified or 0,
            ),
        )
    subject = CorpusSubject(trial.id, trial.name, trial.case, trial.privileged, measured)
    if loaded.log_truncated or loaded.errno in NO_VERDICT:
        return Outcome(
            trial,
            SelftestAgreement.NONE,
            "",
            "the log was cut" if loaded.log_truncated else NO_VERDICT[loaded.errno],
            subject,
        )
    told = "accept" if accepted else f"reject {errno_name(loaded.errno)}"
    wrong = _wrong(trial, answer, accepted)
    if wrong and not accepted and ruling.message:
        wrong += f"; it says: {ruling.message}"
    return Outcome(
        trial, SelftestAgreement.DISAGREE if wrong else SelftestAgreement.AGREE, told, wrong, subject
    )


def _wrong(trial: SelftestTrial, answer: KernelAnswer, accepted: bool) -> str:
    loaded, expected = answer.attempts[0], trial.expected
    if accepted is not expected.success:
        return f"expected {'success' if expected.success else 'failure'}"
    missed = unmet(expected.messages, loaded.log)
    if missed is not None:
        return f"{'unexpected' if missed.absent else 'expected'} message {missed.pattern!r}"
    if trial.run:
        if not loaded.runs:
            return "no test run was made"
        run = loaded.runs[0]
        if run.errno:
            return f"the test run failed: {errno_name(run.errno)}"
        assert expected.retval is not None
        if run.retval != expected.retval & _WORD and expected.retval != POINTER_VALUE:
            signed = run.retval - (1 << 32) if run.retval >> 31 else run.retval
            return f"expected result {expected.retval}, got {signed}"
    return ""
