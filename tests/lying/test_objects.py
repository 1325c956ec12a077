"""A campaign over objects with a libbpf that lies: found, confirmed, shrunk, stored, reported; and one that
does not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign import pursuit as pursuits
from conformance.campaign.store import Store
from conformance.cli.run import kinds_to_judge, status
from conformance.kernel.children import Child, Ended
from conformance.kernel.peer import asking
from conformance.properties.registry import PROPERTIES
from ebpf.errors import InputError
from reports import directory as directories
from reports.records import CellState, Finding, Severity
from reports.write import write_reports
from tests.lying import peer
from tests.lying.campaign import Ran, ran
from tests.lying.kernel import LyingKernel
from tests.lying.test_replay import replayed

# In the package the name stands for the command.
running = sys.modules["conformance.cli.run"]
ONE = ("objects",)
PeerLie = Callable[[Child], Ended]


@pytest.fixture(autouse=True)
def no_libbpf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "executable", lambda peer: b"elf")
    monkeypatch.setattr("conformance.campaign.records.version", lambda peer: "0-lying")
    monkeypatch.setattr(pursuits, "SHRINK_SECONDS", 2.0)


def refuses_what_has(mark: bytes) -> PeerLie:
    """Some objects, well-formed or not, are refused."""

    def lie(child: Child) -> Ended:
        refused = mark in child.input and child.slot == 1
        return Ended(0, 0, b"warning x6e6f\nopen -22\nend\n") if refused else peer.honest(child)

    return lie


def put(directory: Path, patch: pytest.MonkeyPatch, lie: PeerLie = peer.honest, **settings: object) -> Ran:
    return ran(directory, LyingKernel(peer=lie), patch, **{"kinds": ONE, "examples": 30, **settings})  # type: ignore[arg-type]


def stored(path: Path) -> list[Finding]:
    return list(Store(path).findings().values())


def test_an_honest_peer_is_agreed_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = put(tmp_path, monkeypatch)
    assert stored(tmp_path) == []
    assert status(run.summary) == 0
    assert run.summary.programs.objects == 30
    assert 0 < run.summary.programs.objects_broken < 30
    (cell,) = run.summary.cells
    assert (cell.state, cell.judged) == (CellState.AGREES, cell.agreed)
    assert cell.floor <= cell.judged <= 60


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """A run with a libbpf that refuses objects of two programs and more."""
    directory = tmp_path_factory.mktemp("refused")
    with pytest.MonkeyPatch.context() as patch:
        no_libbpf.__wrapped__(patch)  # type: ignore[attr-defined]
        return directory, put(directory, patch, refuses_what_has(b"prog_1"), examples=24)


def test_what_a_peer_refuses_and_we_take_is_a_finding(refused: tuple[Path, Ran]) -> None:
    directory, run = refused
    found = next(
        each for each in stored(directory) if each.signature == "objects:libbpf 1:looser:well-formed"
    )
    assert found.object is not None
    assert found.case is None
    assert (found.severity, found.object.peer, found.object.broken) == (Severity.LOW, "libbpf 1", "")
    assert found.reproduced is not None
    assert (found.reproduced.times, found.reproduced.attempts) == (3, 3)
    assert found.provenance.versions["libbpf 1"] == "0-lying"
    assert found.object.theirs == "refused: EINVAL\nsays: no"
    assert found.object.ours.startswith("program 'prog_0' of ")
    assert status(run.summary) == 1
    (cell,) = run.summary.cells
    assert cell.state is CellState.DISAGREES


def test_it_is_noted_before_it_is_confirmed_and_then_shrunk(refused: tuple[Path, Ran]) -> None:
    directory, _ = refused
    lines = [json.loads(line) for line in (directory / "candidates.jsonl").read_text().splitlines()]
    first = next(line for line in lines if line["signature"] == "objects:libbpf 1:looser:well-formed")
    found = next(each for each in stored(directory) if each.signature == first["signature"])
    assert found.object is not None
    assert len(found.object.file) * 4 // 3 < len(first["object"]["file"])
    # The second one is what it is refused for.
    assert found.object.ours.count("program '") == 2


def test_every_report_can_be_written(refused: tuple[Path, Ran]) -> None:
    directory, _ = refused
    write_reports(directory)
    for found in directories.load(directory).findings:
        folder = directory / "findings" / found.id
        assert found.object is not None
        assert (folder / "object.o").read_bytes() == found.object.file
        assert found.reproducers == {"object": "object.o"}
        for text in ((folder / "index.html").read_text(), (folder / "report.md").read_text()):
            assert "veridiff libbpf object.o" in text
            assert "refused: EINVAL" in text


def test_a_lie_told_once_is_not_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: set[bytes] = set()

    def once(child: Child) -> Ended:
        fresh = child.input not in told
        told.add(child.input)
        return Ended(0, 0, b"open -22\nend\n") if fresh and child.slot == 0 else peer.honest(child)

    run = put(tmp_path, monkeypatch, once, examples=8)
    assert (tmp_path / "candidates.jsonl").exists()
    assert stored(tmp_path) == []
    assert run.worker.pursuit.new == 0


def test_a_splat_is_a_finding_of_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def splat(child: Child) -> Ended:
        return replace(peer.honest(child), splats=("WARNING: CPU: 0 PID: 1 at kernel/bpf/btf.c:1 x+0x1/0x2",))

    put(tmp_path, monkeypatch, splat, examples=2, kinds=("objects", "health"))
    assert {found.kind for found in stored(tmp_path)} == {"health"}
    assert all(found.object is not None for found in stored(tmp_path))


def test_objects_come_between_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = put(tmp_path, monkeypatch, kinds=("execution", "objects"), examples=20)
    assert run.summary.programs.judged == 20
    assert run.summary.programs.objects == 8
    assert {cell.state for cell in run.summary.cells} == {CellState.AGREES}


@pytest.mark.parametrize(("lies", "ends", "says"), [(True, 1, "shows 3 of 3"), (False, 0, "shows 0 of 3")])
def test_replay(
    refused: tuple[Path, Ran], monkeypatch: pytest.MonkeyPatch, lies: bool, ends: int, says: str
) -> None:
    found = stored(refused[0])[0]
    kernel = LyingKernel(peer=refuses_what_has(b"prog_0") if lies else peer.honest)
    status, output = replayed(refused[0] / "findings" / found.id, kernel, monkeypatch)
    assert (status, says in output) == (ends, True), output


def test_without_libbpf_all_else_is_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(peer: object) -> bytes:
        raise InputError("no C compiler")

    monkeypatch.setattr(running, "executable", missing)
    assert set(kinds_to_judge(())) == set(PROPERTIES) - {"objects"}
    assert "objects are not judged: no C compiler" in capsys.readouterr().err
    assert kinds_to_judge(("rule",)) == ("rule",)
    with pytest.raises(InputError):
        kinds_to_judge(ONE)
