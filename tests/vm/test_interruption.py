"""A run that is killed or interrupted keeps what it found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reports import directory

pytestmark = [pytest.mark.vm, pytest.mark.shared]
ROOT = Path(__file__).parents[2]
FIND_SECONDS = 240.0


@contextmanager
def running(bugbench: Path, out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``veridiff run`` on a kernel whose JIT is wrong, in a process group of its own, as a terminal starts
    it."""
    command = [
        sys.executable,
        "-m",
        "conformance.cli",
        "run",
        "--kernel",
        str(bugbench / "bzImage-bugs"),
        "--boot-arg",
        "bugbench=52",
        "--property",
        "execution",
        "--minutes",
        "9",
        "--workers",
        "1",
        "--seed",
        "7",
        "--out",
        str(out),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (out.parent / "run.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(there: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + FIND_SECONDS
    while not there():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.2)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_killed_run_keeps_its_findings(bugbench: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(bugbench, out) as process:
        wait_for(lambda: lines(out / "findings.jsonl") > 0, process, tmp_path / "run.log")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert lines(out / "candidates.jsonl") > 0
    run = directory.load(out)
    assert not run.summary.complete
    assert [finding.kind for finding in run.findings] == ["execution"] * len(run.findings)
    assert run.findings
    assert (out / "findings" / run.findings[0].id / "finding.json").exists()


def test_ctrl_c_ends_with_a_report(bugbench: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(bugbench, out) as process:
        wait_for(lambda: lines(out / "candidates.jsonl") > 0, process, tmp_path / "run.log")
        os.killpg(process.pid, signal.SIGINT)
        process.wait(90)
        assert process.returncode in (0, 1), (tmp_path / "run.log").read_text()
    assert "new" in (out / "index.html").read_text()
    summary = json.loads((out / "run.json").read_text())
    assert summary["complete"] is False
    assert summary["incomplete_because"] == "interrupted"
    assert summary["programs"]["judged"] > 0
