"""A program whose walk takes longer to print than the watchdog waits, or more room than a log has: it is asked
about without the log, and what the kernel says then counts."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.campaign import pursuit
from conformance.campaign import worker as workers
from conformance.campaign.store import Store
from conformance.campaign.subjects import REPEATS
from conformance.kernel.jobs import Attempt, Job, KernelAnswer, Loaded, LossReason
from conformance.observing.door import Door, Sighting, Untold, question_of
from conformance.observing.question import LOG_STATS
from conformance.properties.registry import PROPERTIES
from ebpf.signature import Sameness, Signature
from reports.records import Finding, Reproduced
from tests.lying.asking import NOBODY, OLDER_ACCEPTS
from tests.lying.campaign import ran
from tests.lying.kernel import LyingKernel
from tests.lying.test_honest import records

LENGTH = 20
"""Programs longer than this take long."""
STATS = "processed {0} insns (limit 1000000) max_states_per_insn 4 total_states 9 peak_states 9 mark_read 1\n"
TOO_LARGE = "BPF program is too large. Processed 1000001 insn\n" + STATS.format(1_000_001)
CUT = Loaded(errno.ENOSPC, "func#0 @0\n0: R1=ctx() R10=fp0\n", log_truncated=True)


def accepted(processed: int) -> Loaded:
    return Loaded(0, STATS.format(processed), jited_length=64, verified=processed)


Answering = Callable[[Loaded | None], Callable[[Job, KernelAnswer], KernelAnswer | LossReason]]


def asks_for_the_walk(job: Job) -> bool:
    return any(attempt.log_level not in (0, LOG_STATS) for attempt in job.attempts)


def slow(says: Loaded | None) -> Callable[[Job, KernelAnswer], KernelAnswer | LossReason]:
    """Hangs over the log of a long program, and says this without; None: hangs over that, too."""

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer | LossReason:
        if len(job.case.program.instructions) <= LENGTH:
            return answer
        return LossReason.HANG if asks_for_the_walk(job) or says is None else KernelAnswer((says,))

    return lie


def small(says: Loaded | None) -> Callable[[Job, KernelAnswer], KernelAnswer | LossReason]:
    """Has no room for the log of a long program, and says this without; None: has no room for that either."""

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer | LossReason:
        if len(job.case.program.instructions) <= LENGTH:
            return answer
        return KernelAnswer((CUT,) if asks_for_the_walk(job) or says is None else (says,))

    return lie


def found(
    lie: Callable[[Job, KernelAnswer], KernelAnswer | LossReason], directory: Path, patch: pytest.MonkeyPatch
) -> tuple[list[Finding], list[tuple[Attempt, ...]]]:
    """What a run finds, and how it asked about long programs."""
    kernel = LyingKernel(lie)
    patch.setattr(workers, "Siblings", lambda names, machines: OLDER_ACCEPTS)
    patch.setattr(workers, "JOB_SECONDS", 0.2)
    patch.setattr(pursuit, "SHRINK_SECONDS", 1.1)
    ran(directory, kernel, patch, kinds=("health", "precision", "regression"), examples=4)
    asked = [job.attempts for job in kernel.jobs if len(job.case.program.instructions) > LENGTH]
    return list(Store(directory).findings().values()), asked


EITHER = pytest.mark.parametrize("answering", [slow, small])


@EITHER
def test_a_limit_that_is_not_enforced_is_found(
    answering: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings, asked = found(answering(accepted(1_200_000)), tmp_path, monkeypatch)
    assert {finding.signature for finding in findings} == {"health:complexity-limit"}
    assert findings[0].reproduced == Reproduced(REPEATS, REPEATS)
    assert all(attempt.log_level == LOG_STATS for attempt in asked[-1] if attempt.log_level)


@EITHER
def test_a_walk_that_does_not_end_any_more_is_found(
    answering: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings, _ = found(answering(Loaded(7, TOO_LARGE, verified=1_000_001)), tmp_path, monkeypatch)
    assert {finding.signature.split(":")[0] for finding in findings} <= {"precision", "regression"}
    assert any("BPF program is too large" in finding.signature for finding in findings)


@EITHER
@pytest.mark.parametrize("says", [accepted(900_000), None], ids=["accepted", "nothing all the same"])
def test_time_and_room_alone_accuse_nobody(
    answering: Answering, says: Loaded | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(answering(says), tmp_path, monkeypatch)[0] == []


def again(kind: str, name: str, says: Loaded) -> Sighting | Untold | None:
    """Whether a disagreement shows again on a kernel whose log has no room for any walk."""

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer:
        return KernelAnswer((CUT if asks_for_the_walk(job) else says,) * len(job.attempts))

    row = PROPERTIES[kind]
    with LyingKernel(lie).session() as session:
        door = Door.of_session(session, NOBODY)
        question = question_of(row, records()[0].generated)
        return door.again(question, Signature(kind, (name,)), Sameness.WHOLE, None)


def test_whether_it_is_gone_is_told_by_the_verdict_where_that_is_all_it_is_about() -> None:
    assert isinstance(again("health", "complexity-limit", accepted(1_200_000)), Sighting)
    assert again("health", "complexity-limit", accepted(999_000)) is None


def test_whether_a_claim_is_gone_needs_the_walk() -> None:
    told = again("bounds", "anything", accepted(999_000))
    assert told == Untold("the log of its walk was too small")
