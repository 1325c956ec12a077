"""A run that is killed or interrupted keeps what it found, and leaves no process behind."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.kernel.image import Image
from reports import directory

pytestmark = pytest.mark.vm
ROOT = Path(__file__).parents[2]
FIND_SECONDS = 240.0
MARK = "VERIDIFF_TEST_RUN"


@dataclass
class Running:
    """``veridiff run`` in a process group of its own, as a terminal starts it."""

    process: subprocess.Popen[bytes]
    out: Path
    log: Path
    mark: str
    started: float = field(default_factory=time.monotonic)

    def wait_for(self, there: Callable[[], bool]) -> None:
        until = time.monotonic() + FIND_SECONDS
        while not there():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.2)

    def has_judged(self) -> bool:
        """A progress line that counts something."""
        return re.search(r"^[1-9]\d* programs", self.log.read_text(), re.MULTILINE) is not None

    def left(self) -> list[str]:
        """The commands of its processes that are still there."""
        return list(self.processes().values())

    def processes(self) -> dict[int, str]:
        """Its processes and their commands, QEMU's among them: they inherit its mark."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                alive = f"{MARK}={self.mark}".encode() in (path / "environ").read_bytes()
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                state = (path / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if alive and state != "Z":
                found[int(path.name)] = command
        return found

    def kill(self, word: str) -> None:
        """The processes that have this in their command."""
        for number, command in self.processes().items():
            if word in command:
                os.kill(number, signal.SIGKILL)


def _interruptible() -> None:
    """As at a terminal: a shell starts what runs in its background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(kernel: str, out: Path, *more: str, minutes: str = "9") -> Iterator[Running]:
    arguments = ["--kernel", kernel, "--minutes", minutes, "--workers", "1", "--seed", "7", *more]
    command = [sys.executable, "-m", "conformance.cli", "run", "--out", str(out), *arguments]
    mark, log = secrets.token_hex(8), out.parent / "run.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), MARK: mark}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            preexec_fn=_interruptible,
        )
        try:
            yield Running(process, out, log, mark)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_five_seconds_later_nothing_is_left(image: Image, tmp_path: Path, name: str) -> None:
    with running(image.name, tmp_path / "out", "--property", "soundness") as run:
        run.wait_for(run.has_judged)
        assert any("qemu" in command for command in run.left())
        if name == "SIGINT":  # a terminal tells the whole group
            os.killpg(run.process.pid, signal.SIGINT)
        else:
            os.kill(run.process.pid, getattr(signal, name))
        time.sleep(5.0)
        assert run.left() == []
        status = run.process.wait(1)
    summary = json.loads((run.out / "run.json").read_text())
    assert summary["complete"] is False
    if name == "SIGKILL":
        assert summary["incomplete_because"] == "still running"
        return
    assert status == 130, run.log.read_text()
    assert summary["incomplete_because"] == "interrupted"
    assert summary["programs"]["judged"] > 0
    assert "This run is incomplete" in (run.out / "index.html").read_text()
    suite = ElementTree.parse(run.out / "junit.xml").getroot()
    assert [error.get("message") for error in suite.iter("error")].count("interrupted") == 1


SHORT = ("--property", "soundness")


def test_a_killed_worker_is_replaced_and_the_run_is_not_green(image: Image, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(image.name, out, *SHORT, minutes="0.4") as run:
        run.wait_for(run.has_judged)
        run.kill("spawn_main")
        assert run.process.wait(120) == 3, run.log.read_text()
    summary = json.loads((out / "run.json").read_text())
    assert "ended with status -9" in summary["incomplete_because"]
    (kernel,) = summary["kernels"]
    assert (kernel["boots"], summary["seconds"] > 20) == (2, True)
    assert "ended with status -9" in (out / "errors.txt").read_text()
    errors = [error.get("message") for error in ElementTree.parse(out / "junit.xml").iter("error")]
    assert summary["incomplete_because"] in errors
    assert "not ok" in (out / "report.ktap").read_text().splitlines()[-1]


def test_a_killed_machine_is_replaced(image: Image, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(image.name, out, *SHORT, minutes="0.4") as run:
        run.wait_for(run.has_judged)
        run.kill("qemu")
        assert run.process.wait(120) == 0, run.log.read_text()
    summary = json.loads((out / "run.json").read_text())
    assert [loss["reason"] for loss in summary["losses"]] == ["exited"]
    assert (summary["complete"], summary["kernels"][0]["boots"]) == (True, 2)


def test_a_killed_run_is_taken_up(image: Image, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def judged() -> int:
        return int(json.loads((out / "run.json").read_text())["programs"]["judged"])

    with running(image.name, out, *SHORT, minutes="0.4") as run:
        written = (out / "state.json", out / "run.json")
        run.wait_for(lambda: all(file.exists() for file in written) and judged() > 0)
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
    before = judged()
    (post,) = json.loads((out / "state.json").read_text())["posts"]
    assert 0 < post["spent"] < 24
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "run", "--resume", str(out), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["complete"]
    assert summary["programs"]["judged"] > before
    assert 20 < summary["seconds"] < 60
    assert [each for each in summary["findings"] if each["status"] != "known"] == []
    (post,) = json.loads((out / "state.json").read_text())["posts"]
    assert post["spent"] >= 23.5


def test_kernels_take_turns(image: Image, tmp_path: Path) -> None:
    """Two kernels and one worker: never two machines, and both are asked."""
    out, most = tmp_path / "out", 0
    with running(image.name, out, *SHORT, "--kernel", "debian:7.3", minutes="0.1") as run:
        while run.process.poll() is None:
            most = max(most, sum("qemu" in command for command in run.left()))
            time.sleep(0.2)
        assert run.process.wait(1) == 0, run.log.read_text()
    assert most == 1
    kernels = json.loads((out / "run.json").read_text())["kernels"]
    assert len(kernels) == 2
    assert all(kernel["programs"] > 0 for kernel in kernels)


WRONG_JIT = ("--boot-arg", "bugbench=52", "--property", "execution")


@pytest.mark.shared
def test_a_killed_run_keeps_its_findings(bugbench: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(str(bugbench / "bzImage-bugs"), out, *WRONG_JIT) as run:
        run.wait_for(lambda: lines(out / "findings.jsonl") > 0)
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
    assert lines(out / "candidates.jsonl") > 0
    left = directory.load(out)
    assert not left.summary.complete
    assert [finding.kind for finding in left.findings] == ["execution"] * len(left.findings)
    assert left.findings
    assert (out / "findings" / left.findings[0].id / "finding.json").exists()


@pytest.mark.shared
def test_an_interrupted_run_reports_its_findings(bugbench: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(str(bugbench / "bzImage-bugs"), out, *WRONG_JIT) as run:
        run.wait_for(lambda: lines(out / "findings.jsonl") > 0)
        os.kill(run.process.pid, signal.SIGTERM)
        assert run.process.wait(30) == 1, run.log.read_text()
    assert "new" in (out / "index.html").read_text()
    assert json.loads((out / "run.json").read_text())["incomplete_because"] == "interrupted"
