"""A program whose walk takes longer to print than the watchdog waits: it is asked about without the log, and
what the kernel says then counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.campaign import pursuit
from conformance.campaign import worker as workers
from conformance.campaign.store import Store
from conformance.kernel.jobs import Attempt, Job, KernelAnswer, Loaded, LossReason
from conformance.observing.question import LOG_STATS
from reports.records import Finding
from tests.lying.asking import OLDER_ACCEPTS
from tests.lying.campaign import ran
from tests.lying.kernel import LyingKernel

LENGTH = 20
"""Programs longer than this take long."""
STATS = "processed {0} insns (limit 1000000) max_states_per_insn 4 total_states 9 peak_states 9 mark_read 1\n"
TOO_LARGE = "BPF program is too large. Processed 1000001 insn\n" + STATS.format(1_000_001)


def accepted(processed: int) -> Loaded:
    return Loaded(0, STATS.format(processed), jited_length=64, verified=processed)


def slow(says: Loaded | None) -> Callable[[Job, KernelAnswer], KernelAnswer | LossReason]:
    """Hangs over the log of a long program, and says this without; None: hangs over that, too."""

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer | LossReason:
        if len(job.case.program.instructions) <= LENGTH:
            return answer
        logged = any(attempt.log_level not in (0, LOG_STATS) for attempt in job.attempts)
        return LossReason.HANG if logged or says is None else KernelAnswer((says,))

    return lie


def found(
    says: Loaded | None, directory: Path, patch: pytest.MonkeyPatch
) -> tuple[list[Finding], list[tuple[Attempt, ...]]]:
    """What a run finds, and how it asked about long programs."""
    kernel = LyingKernel(slow(says))
    patch.setattr(workers, "Siblings", lambda names, machines: OLDER_ACCEPTS)
    patch.setattr(workers, "JOB_SECONDS", 0.2)
    patch.setattr(pursuit, "SHRINK_SECONDS", 2.0)
    ran(directory, kernel, patch, kinds=("health", "precision", "regression"), examples=4)
    asked = [job.attempts for job in kernel.jobs if len(job.case.program.instructions) > LENGTH]
    return list(Store(directory).findings().values()), asked


def test_a_limit_that_is_not_enforced_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings, asked = found(accepted(1_200_000), tmp_path, monkeypatch)
    assert {finding.signature for finding in findings} == {"health:complexity-limit"}
    assert all(attempt.log_level == LOG_STATS for attempt in asked[-1])


def test_a_walk_that_does_not_end_any_more_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings, _ = found(Loaded(7, TOO_LARGE, verified=1_000_001), tmp_path, monkeypatch)
    assert {finding.signature.split(":")[0] for finding in findings} <= {"precision", "regression"}
    assert any("BPF program is too large" in finding.signature for finding in findings)


@pytest.mark.parametrize("says", [accepted(900_000), None], ids=["accepted", "hangs all the same"])
def test_time_alone_accuses_nobody(
    says: Loaded | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(says, tmp_path, monkeypatch)[0] == []
