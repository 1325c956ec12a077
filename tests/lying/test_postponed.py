"""Questions to other kernels wait until these run; none is lost by that."""

from __future__ import annotations

import errno
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign import pursuit
from conformance.campaign import worker as workers
from conformance.campaign.postponed import Postponed
from conformance.campaign.store import Store
from conformance.campaign.worker import Worker
from conformance.kernel.image import Image
from conformance.kernel.jobs import KernelVerdict
from conformance.kernel.qemu import Accelerator
from conformance.kernel.session import KernelSession
from conformance.observing import machines
from conformance.observing.machines import Machines
from conformance.observing.siblings import SiblingRuling, Siblings
from ebpf.errors import InfrastructureError
from ebpf.program import Case
from tests.lying import lies
from tests.lying.asking import ToldSiblings
from tests.lying.campaign import IMAGE, PROFILE, Line, assignment
from tests.lying.kernel import LyingKernel
from tests.lying.lies import Lie

REFUSE: Lie = lies.refused(errno.EACCES, "0: (b7) r0 = 0\nR2 min value is outside\n" + lies.PROCESSED)


class Watched(ToldSiblings):
    """Tells how many judgements were made when it was first asked."""

    def __init__(self) -> None:
        super().__init__(v6_1=KernelVerdict.ACCEPT)
        self.worker: Worker | None = None
        self.asked_after: list[int] = []

    def ask(self, case: Case, *, logged: bool) -> tuple[SiblingRuling, ...]:
        assert self.worker is not None
        self.asked_after.append(len(self.worker._in_flight))
        return super().ask(case, logged=logged)


def found(directory: Path, patch: pytest.MonkeyPatch, *, slow: bool) -> tuple[set[str], Watched]:
    """The signatures that a worker finds on a kernel that refuses everything."""
    siblings = Watched()
    patch.setattr(pursuit, "SHRINK_SECONDS", 0.0)
    patch.setattr(workers, "profile_for", lambda *_: PROFILE)
    patch.setattr(workers, "accelerator", lambda image: Accelerator.TCG)
    patch.setattr(workers, "Siblings", lambda names, machines: siblings)
    patch.setattr(Machines, "all_are_there", not slow)
    task = replace(assignment(kinds=("precision", "soundness"), examples=6), against=("a",))
    store = Store(directory)
    store.create()
    kernel = LyingKernel(lambda job, answer: REFUSE(answer))
    siblings.worker = worker = Worker(task, Line(store.handle), kernel.session)
    worker.work()
    return {finding.signature for finding in store.findings().values()}, siblings


def test_nothing_that_waits_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soon, ready = found(tmp_path / "ready", monkeypatch, slow=False)
    in_the_end, never = found(tmp_path / "slow", monkeypatch, slow=True)
    assert soon == in_the_end != set()
    # Asked while other programs are in flight where they run; where they never do, when all else is done.
    assert ready.asked_after[0] > 0
    assert set(never.asked_after) == {0}


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> LyingKernel:
    """A kernel that can be had by name, and says nothing of what it has."""
    monkeypatch.setattr(machines, "fetch", lambda name: IMAGE)
    monkeypatch.setattr(machines, "probe", lambda session: None)
    return LyingKernel()


def test_they_wait_until_other_kernels_run(lying: LyingKernel) -> None:
    released = threading.Event()

    def open_session(image: Image, boot_args: tuple[str, ...], **more: Any) -> KernelSession:
        assert released.wait(20)
        return lying.session(image, boot_args, **more)

    with closing(Machines(open_session)) as others:
        waiting = Postponed(Siblings((IMAGE.name,), others))
        assert not waiting.is_due
        waiting.put(object())  # type: ignore[arg-type]  # it is only kept
        assert not waiting.is_due
        released.set()
        assert others.get(IMAGE.name) is not None
        assert others.all_are_there
        assert waiting.is_due
        assert len(waiting.take()) == 1
        assert waiting.asked
        assert not waiting.is_due


@pytest.mark.usefixtures("lying")
def test_one_that_does_not_run_is_told_and_keeps_nobody_waiting() -> None:
    def open_session(image: Image, boot_args: tuple[str, ...], **more: Any) -> KernelSession:
        raise InfrastructureError("it does not boot")

    with closing(Machines(open_session)) as others:
        others.begin([IMAGE.name])
        assert others.get(IMAGE.name) is None
        assert others.failures == {IMAGE.name: "it does not boot"}


@pytest.mark.usefixtures("lying")
def test_an_error_of_ours_is_raised_to_who_asks() -> None:
    def open_session(image: Image, boot_args: tuple[str, ...], **more: Any) -> KernelSession:
        raise KeyError("ours")

    with closing(Machines(open_session)) as others:
        others.begin([IMAGE.name])
        with pytest.raises(KeyError, match="ours"):
            others.get(IMAGE.name)
