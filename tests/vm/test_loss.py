"""However a virtual machine dies, every job gets an answer, and only the one to blame is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from conformance.kernel.image import Image
from conformance.kernel.images import fetch
from conformance.kernel.jobs import KernelAnswer, LossReason, Lost
from conformance.kernel.protocol.frames import FrameKind, WireFrame
from conformance.kernel.session import KernelSession
from conformance.kernel.vm import Vm
from ebpf.casefile import from_plain
from ebpf.program import Case
from tests.conformance.kernel.cases import job, returning

pytestmark = pytest.mark.vm


def qemu(session: KernelSession) -> subprocess.Popen[bytes]:
    assert session._link is not None
    vm = session._link.guest
    assert isinstance(vm, Vm)
    return vm.process


def witness(bugbench: Path, number: int) -> Case:
    bugs = {bug["n"]: bug for bug in json.loads((bugbench / "bugs.json").read_text())}
    return from_plain(bugs[number]["witness"])


def submit_some(session: KernelSession, count: int = 40) -> None:
    for number in range(count):
        session.submit(job(returning(number)), number)


def retvals(session: KernelSession) -> list[int]:
    values = []
    for _, got in session.results():
        assert isinstance(got, KernelAnswer), got
        values.append(got.attempts[0].runs[0].retval)
    return values


def test_killing_qemu_loses_no_answer_and_names_nobody(image: Image) -> None:
    with KernelSession.open(image) as session:
        submit_some(session)
        qemu(session).kill()
        assert retvals(session) == list(range(40))
        assert session.boots == 2
        assert [(loss.reason, loss.named) for loss in session.losses] == [(LossReason.EXITED, False)]
        assert "none of the" in str(session.losses[0])


def test_a_stopped_qemu_is_a_hang(image: Image) -> None:
    with KernelSession.open(image, job_seconds=4) as session:
        submit_some(session)
        os.kill(qemu(session).pid, signal.SIGSTOP)
        assert retvals(session) == list(range(40))
        assert session.losses[0].reason is LossReason.HANG


@pytest.mark.parametrize(
    ("kind", "reason"), [(FrameKind.PANIC, LossReason.PANIC), (FrameKind.HANG, LossReason.HANG)]
)
def test_a_guest_that_dies_between_jobs_is_replaced(
    image: Image, kind: FrameKind, reason: LossReason
) -> None:
    with KernelSession.open(image, job_seconds=4) as session:
        assert session._link is not None
        session._link.queue(WireFrame(kind, 0).encode())
        submit_some(session)
        assert retvals(session) == list(range(40))
        assert [loss.reason for loss in session.losses] == [reason]
        if kind is FrameKind.PANIC:
            assert "Kernel panic" in session.losses[0].console


def test_the_session_goes_on_after_an_idle_machine_died(image: Image) -> None:
    with KernelSession.open(image) as session:
        qemu(session).kill()
        time.sleep(0.2)
        assert isinstance(session.run(job(returning(1))), KernelAnswer)


def test_qemu_dies_with_a_killed_parent(image: Image) -> None:
    code = textwrap.dedent(f"""
        from pathlib import Path
        from conformance.kernel.image import Image
        from conformance.kernel.session import KernelSession
        image = Image({image.name!r}, {image.version!r}, Path({str(image.vmlinuz)!r}),
                      tuple(map(Path, {[str(path) for path in image.modules]!r})))
        session = KernelSession.open(image)
        print(session._link.guest.process.pid, flush=True)
        import time; time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return  # dead; whoever inherited it has not yet looked
        except FileNotFoundError:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("QEMU outlived its parent")


@pytest.mark.shared
def test_a_job_that_panics_the_guest_is_named(bugbench: Path) -> None:
    """Bug 33 lets a program dereference NULL: an oops in init, which is a panic."""
    killer = job(witness(bugbench, 33))
    with KernelSession.open(fetch(str(bugbench / "bzImage-bugs")), ("bugbench=33",)) as session:
        for number in range(5):
            session.submit(job(returning(number)), number)
        session.submit(killer, "killer")
        for number in range(5, 10):
            session.submit(job(returning(number)), number)
        results = dict(session.results())
        lost = results.pop("killer")
        assert isinstance(lost, Lost)
        assert lost.reason is LossReason.PANIC
        assert "Kernel panic" in lost.console
        assert all(isinstance(got, KernelAnswer) for got in results.values())
        assert len(results) == 10
        assert [(loss.culprit, loss.named) for loss in session.losses] == [("killer", True)]


@pytest.mark.shared
def test_a_warning_is_returned_with_the_job_and_ends_the_machine(bugbench: Path) -> None:
    """Bug 44 lets a program keep a spin lock: the kernel notices when it next schedules."""
    case = witness(bugbench, 44)
    with KernelSession.open(
        fetch(str(bugbench / "bzImage-bugs")), ("bugbench=44",), job_seconds=20
    ) as session:
        got = session.run(job(case))
        for _ in range(400):  # it notices when it is interrupted meanwhile: in one run of about twelve
            if isinstance(got, Lost) or got.splats:
                break
            got = session.run(job(case))
        assert isinstance(got, Lost) or got.splats
        boots = session.boots
        assert isinstance(session.run(job(returning(1))), KernelAnswer)
        assert session.boots == boots + 1
