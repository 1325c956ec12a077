"""A property over two programs is one file and one row: every front door judges it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign.store import Store
from conformance.checking.check import Checked, check
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.kernel.verdicts import Support
from conformance.observing.door import Door
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from reports.records import Finding
from tests.lying import lies, toy
from tests.lying.asking import NOBODY
from tests.lying.campaign import ran
from tests.lying.kernel import LyingKernel
from tests.lying.test_replay import replayed
from tests.lying.test_suite import run_suite, with_the_tests

pytest_plugins = ["pytester"]
__all__ = ["with_the_tests"]


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROPERTIES, toy.KIND, toy.ROW)


def minds_dead_stores(job: Job, answer: KernelAnswer) -> KernelAnswer:
    """A program that begins with one is refused."""
    refused = job.case.program.instructions[:1] == (Insn(o.MOV | o.K | o.ALU64),)
    return lies.refused(13, "0: (b7) r0 = 0\nR0 !read_ok\n" + lies.PROCESSED)(answer) if refused else answer


@pytest.fixture
def finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """What a run on a kernel that minds dead stores leaves."""
    run = ran(tmp_path, LyingKernel(minds_dead_stores), monkeypatch, kinds=(toy.KIND,), examples=60)
    (cell,) = run.summary.cells
    assert (cell.kind, cell.floor) == (toy.KIND, 54)
    assert cell.judged >= cell.floor
    (found,) = Store(tmp_path).findings().values()
    return found


def test_run_finds_and_reduces(finding: Finding) -> None:
    assert finding.signature == "dead-store:refused"
    assert finding.case is not None
    assert len(casefile.from_plain(finding.case).program.instructions) <= 10


def test_a_right_kernel_is_agreed_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ran(tmp_path, LyingKernel(), monkeypatch, kinds=(toy.KIND,), examples=60)
    assert Store(tmp_path).findings() == {}
    (cell,) = run.summary.cells
    assert cell.agreed == cell.judged >= 54


def test_check_and_replay(finding: Finding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for lie, status in ((minds_dead_stores, 1), (lambda job, answer: answer, 0)):
        kernel = LyingKernel(lie)
        with kernel.session() as session:
            checked = Checked("toy", casefile.from_plain(finding.case))
            check(checked, "lying", Door.of_session(session, NOBODY), lambda program: Support())
        said = [str(each.disagreement.signature) for each in checked.accusations]
        assert said.count("dead-store:refused") == status
        assert replayed(tmp_path / "findings" / finding.id, LyingKernel(lie), monkeypatch)[0] == status


def test_the_suite(pytester: pytest.Pytester) -> None:
    lie = "from tests.lying.test_toy import minds_dead_stores as LIE"
    register = "from tests.lying import toy\nfrom conformance.properties.registry import PROPERTIES\nPROPERTIES[toy.KIND] = toy.ROW"
    run_suite(pytester, lie, [toy.KIND], first=register).assert_outcomes(failed=1)
    run_suite(pytester, "LIE = lambda job, answer: answer", [toy.KIND], first=register).assert_outcomes(
        passed=1
    )
