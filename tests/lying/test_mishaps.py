"""What goes wrong in a run costs what it touches, is told, and never makes a green run."""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from conformance.campaign import state
from conformance.campaign import worker as workers
from conformance.campaign.crew import CrewMember
from conformance.campaign.events import ErrorMet, Event, FindingMade
from conformance.campaign.rota import CRASHES, Post
from conformance.campaign.run import Campaign, Settings
from conformance.campaign.standing import CampaignStanding
from conformance.campaign.store import ERRORS, Store
from conformance.campaign.worker import Worker
from conformance.cli.run import status
from conformance.kernel.identity import KernelIdentity
from conformance.observing.observation import Observation
from conformance.properties import registry
from conformance.properties.judgement import Judgement
from ebpf.errors import InputError
from generators.profiles import Profile
from generators.recipes import Recipe, draw
from reports import directory as directories
from reports import jsonl
from tests.lying.campaign import IMAGE, ran
from tests.lying.kernel import LyingKernel
from tests.reports.samples import finding, summary


def broken_judge(patch: pytest.MonkeyPatch, numbers: set[int]) -> None:
    """The judge of health raises over programs of these numbers, in the order in which it sees them."""
    row, seen = registry.PROPERTIES["health"], iter(range(1_000_000))

    def judge(observation: Observation) -> Iterable[Judgement]:
        if next(seen) in numbers:
            raise KeyError("m2")
        assert row.judge is not None
        return row.judge(observation)

    patch.setitem(registry.PROPERTIES, "health", replace(row, judge=judge))


def test_an_error_of_ours_costs_one_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_judge(monkeypatch, {7, 20})
    run = ran(tmp_path, LyingKernel(), monkeypatch, kinds=("health",), examples=40, errors=True)
    met = [event for event in run.events if isinstance(event, ErrorMet)]
    assert [event.what for event in met] == ["program 7", "program 20"]
    (cell,) = run.summary.cells
    assert cell.judged == 38
    assert run.summary.incomplete_because == f"KeyError: 'm2' (2 times; {ERRORS})"
    assert status(run.summary) == 3
    kept = (tmp_path / ERRORS).read_text()
    assert "worker 0 of lying, program 7: Traceback" in kept
    assert kept.count("KeyError: 'm2'") == 2


def test_a_program_that_cannot_be_made_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(range(1_000_000))

    def fragile(rng: random.Random, profile: Profile) -> Recipe:
        if next(made) == 3:
            raise IndexError("no register is left")
        return draw(rng, profile)

    def watch(worker: Worker) -> None:
        worker.draw = fragile

    run = ran(tmp_path, LyingKernel(), monkeypatch, kinds=("health",), examples=20, watch=watch, errors=True)
    assert run.summary.programs.judged == 19


def test_what_goes_wrong_each_time_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_judge(monkeypatch, set(range(1000)))
    monkeypatch.setattr(workers, "ERROR_LIMIT", 5)
    with pytest.raises(KeyError):
        ran(tmp_path, LyingKernel(), monkeypatch, kinds=("health",), examples=40, errors=True)
    assert (tmp_path / ERRORS).read_text().count("Traceback") == 4


def campaign(directory: Path) -> Campaign:
    made = Campaign(Settings((IMAGE,), ("health",), directory, "veridiff run", 1), lambda progress: None)
    made.create()
    return made


def full_disk(patch: pytest.MonkeyPatch, room: int = 0) -> None:
    """From now on lines are written as write(2) does it on a disk with so many bytes left."""
    write, left = os.write, [room]

    def short(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = write(descriptor, data[: left[0]])
        left[0] -= done
        return done

    patch.setattr(os, "write", short)


def test_on_a_full_disk_nothing_found_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = campaign(tmp_path / "out")
    full_disk(monkeypatch)
    made.handle(FindingMade(finding()))
    assert made.standing.unwritten.endswith("No space left on device")
    assert [made.rota.next(), made.crew.members] == [made.rota.posts[0], []]
    made._man_posts()
    assert made.crew.members == []  # nobody is started any more
    made._write_what_is_left()
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line.removeprefix("veridiff: not written: "))["finding"]["id"] == finding().id
    result = made.summary(finished=True)
    assert (result.complete, status(result)) == (False, 3)


def test_what_the_disk_takes_later_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = campaign(tmp_path / "out")
    with pytest.MonkeyPatch.context() as patch:
        full_disk(patch)
        made.handle(FindingMade(finding()))
    made._write_what_is_left()
    assert capsys.readouterr().err == ""
    assert list(made.store.findings()) == [finding().id]
    assert not made.summary(finished=True).complete


def test_a_disk_that_is_full_at_once_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.tmp").symlink_to("/dev/full")
    with pytest.raises(InputError, match="No space left on device"):
        campaign(tmp_path / "out")


def test_a_line_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    jsonl.append(path, [{"a": 1}])
    full_disk(monkeypatch, room=20)
    with pytest.raises(OSError, match="No space"):
        jsonl.append(path, [{"b": "x" * 100}])
    monkeypatch.undo()
    jsonl.append(path, [{"c": 3}])
    assert path.read_text() == '{"a":1}\n{"c":3}\n'


def test_a_finding_that_cannot_be_stored_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = campaign(tmp_path / "out")

    def refuse(store: Store, event: Event) -> None:
        raise KeyError("m2")

    monkeypatch.setattr(Store, "handle", refuse)
    made.handle(FindingMade(finding()))
    assert made.standing.why_incomplete == f"KeyError: 'm2' ({ERRORS})"
    assert "storing a FindingMade: Traceback" in (tmp_path / "out" / ERRORS).read_text()


@dataclass
class Process:
    """Of a worker, and the line to it, which is silent."""

    alive: bool
    exitcode: int = -9
    name: str = "worker 0 on lying"

    def is_alive(self) -> bool:
        return self.alive

    def kill(self) -> None:
        self.alive = False

    def join(self, seconds: float = 0) -> None:
        pass

    def poll(self) -> bool:
        return False

    def close(self) -> None:
        pass


def dismissed(made: Campaign, process: Process) -> Post:
    """The post of a worker that had judged a hundred programs in three seconds."""
    post = made.rota.next()
    assert post is not None
    member = CrewMember(made._assignment(post), post, process, process, begun=1.0)  # type: ignore[arg-type]
    made.crew.members.append(member)
    post.programs, post.spent = 100, 3.0
    made._dismiss(member)
    return post


def test_a_worker_that_is_killed_is_replaced_and_told_of(tmp_path: Path) -> None:
    made = campaign(tmp_path / "out")
    post = dismissed(made, Process(alive=False))
    assert made.standing.why_incomplete == f"worker 0 on lying ended with status -9 ({ERRORS})"
    assert made.rota.next() is post
    assert made._assignment(post).programs > 100  # past what was in flight


def test_a_worker_that_is_killed_again_and_again_is_given_up(tmp_path: Path) -> None:
    made = campaign(tmp_path / "out")
    for _ in range(CRASHES):
        dismissed(made, Process(alive=False))
    assert made.rota.next() is None


def test_a_worker_that_is_late_had_its_turn(tmp_path: Path) -> None:
    made = campaign(tmp_path / "out")
    process = Process(alive=True)
    post = dismissed(made, process)
    assert not process.alive
    assert (post.spent, made.rota.next()) == (120.0, None)
    assert made.standing.why_incomplete == ""


def test_counts_are_taken_up_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ran(tmp_path, LyingKernel(), monkeypatch, examples=30)
    campaign, posts = run.campaign, run.campaign.rota.posts
    posts[0].spent, posts[0].programs = 17.0, 30
    kept = state.state_of(campaign.settings.plan, "2026-01-01T00:00:00Z", campaign.standing, posts)
    (tmp_path / "state.json").write_bytes(msgspec.json.encode(kept))
    again = state.load(tmp_path)
    settings = replace(campaign.settings, examples=None, seconds=60.0)
    taken_up = Campaign(settings, lambda progress: None, again)
    before, after = run.summary, taken_up.summary(finished=True)
    assert after.programs == before.programs
    assert after.cells == before.cells
    assert (after.productions, after.rejections) == (before.productions, before.rejections)
    assert after.reach == before.reach
    assert after.reach[0].callees
    assert (taken_up.rota.posts[0].left, taken_up.rota.posts[0].programs) == (43.0, 30)
    assert taken_up.summary(finished=True).seconds >= before.seconds


def test_a_run_is_taken_up_behind_its_last_whole_line(tmp_path: Path) -> None:
    store = Store(tmp_path)
    jsonl.append(tmp_path / "findings.jsonl", [finding()])
    with (tmp_path / "findings.jsonl").open("ab") as file:
        file.write(b'{"id": "cut')
    store.reopen()
    store.handle(FindingMade(finding(id="2" * 16)))
    store.save_summary(summary())
    assert [each.id for each in directories.load(tmp_path).findings] == [finding().id, "2" * 16]


def test_the_clock_on_the_wall_may_jump() -> None:
    """Nothing that a run waits for or counts goes by it."""
    root = Path(__file__).parents[2]
    wall = [
        str(path.relative_to(root))
        for package in ("conformance", "reports", "generators", "oracles", "ebpf")
        for path in sorted((root / package).rglob("*.py"))
        if any(word in path.read_text() for word in ("time.time(", "time.time_ns(", "datetime.now("))
    ]
    # The date of a result, the age of apt's lists, and of what apt could not download.
    assert wall == [
        "conformance/campaign/versions.py",
        "conformance/kernel/apt.py",
        "conformance/kernel/debian.py",
    ]


def test_standing_counts_new_findings_once() -> None:
    standing = CampaignStanding(("lying",))
    for _ in range(2):
        standing.handle(FindingMade(finding()))
    assert standing.progress(None).findings == 1
    assert str(KernelIdentity("a", ("b=1",))) == "a (b=1)"
