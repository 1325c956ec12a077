"""Questions to other kernels wait until there are some; none is lost by that."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign import postponed, pursuit
from conformance.campaign import worker as workers
from conformance.campaign.postponed import Postponed, PostponedJudgement
from conformance.campaign.store import Store
from conformance.campaign.worker import Worker
from conformance.kernel.jobs import KernelVerdict
from conformance.kernel.qemu import Accelerator
from conformance.observing.siblings import SiblingRuling
from ebpf.program import Case
from tests.lying import lies
from tests.lying.asking import ToldSiblings
from tests.lying.campaign import PROFILE, Line, assignment
from tests.lying.kernel import LyingKernel
from tests.lying.lies import Lie

REFUSE: Lie = lies.refused(errno.EACCES, "0: (b7) r0 = 0\nR2 min value is outside\n" + lies.PROCESSED)


class Watched(ToldSiblings):
    """Tells how many judgements were made when it was first asked."""

    def __init__(self) -> None:
        super().__init__(v6_1=KernelVerdict.ACCEPT)
        self.worker: Worker | None = None
        self.asked_after: list[int] = []

    def ask(self, case: Case) -> tuple[SiblingRuling, ...]:
        assert self.worker is not None
        self.asked_after.append(len(self.worker._in_flight))
        return super().ask(case)


def found(directory: Path, against: tuple[str, ...], patch: pytest.MonkeyPatch) -> tuple[set[str], Watched]:
    """The signatures that a worker finds on a kernel that refuses everything."""
    siblings = Watched()
    patch.setattr(pursuit, "SHRINK_SECONDS", 0.0)
    patch.setattr(workers, "profile_for", lambda *_: PROFILE)
    patch.setattr(workers, "accelerator", lambda image: Accelerator.TCG)
    patch.setattr(workers, "Siblings", lambda names, machines: siblings)
    task = replace(assignment(kinds=("precision", "soundness"), examples=6), against=against)
    store = Store(directory)
    store.create()
    kernel = LyingKernel(lambda job, answer: REFUSE(answer))
    siblings.worker = worker = Worker(task, Line(store.handle), kernel.session)
    worker.work()
    return {finding.signature for finding in store.findings().values()}, siblings


def test_nothing_that_waits_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, few = found(tmp_path / "few", ("a",), monkeypatch)
    in_the_end, many = found(tmp_path / "many", ("a", "b", "c"), monkeypatch)
    assert at_once == in_the_end != set()
    # One sibling is asked while other programs are in flight; three when all else is done.
    assert few.asked_after[0] > 0
    assert set(many.asked_after) == {0}


@pytest.fixture
def judgement() -> PostponedJudgement:
    return object()  # type: ignore[return-value]  # it is only kept


def test_they_wait_until_there_are_enough(judgement: PostponedJudgement) -> None:
    waiting = Postponed()
    assert not waiting.is_due
    for _ in range(postponed.ENOUGH - 1):
        waiting.put(judgement)
    assert not waiting.is_due
    waiting.put(judgement)
    assert waiting.is_due
    assert len(waiting.take()) == postponed.ENOUGH
    assert waiting.asked
    assert not waiting.is_due


def test_they_wait_no_longer_than_that(
    judgement: PostponedJudgement, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("conformance.campaign.postponed.time.monotonic", lambda: now[0])
    waiting = Postponed()
    assert waiting.take() == []
    assert not waiting.asked
    waiting.put(judgement)
    now[0] += postponed.SECONDS - 0.1
    waiting.put(judgement)
    assert not waiting.is_due
    now[0] += 0.1
    assert waiting.is_due
