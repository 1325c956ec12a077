"""Running the tests on a changed copy of the tree, never on the tree itself."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

COPIED = ("conformance", "ebpf", "generators", "oracles", "reports", "tests", "pyproject.toml", "docs")
MEMORY = 6 << 30
"""Bytes of address space: a changed loop must not take the machine down."""


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIME_OUT = "time-out"


@dataclass(frozen=True, slots=True)
class Stage:
    """Tests that are run together, and for how many seconds at most."""

    tests: tuple[str, ...]
    seconds: float


class Scratch:
    """A copy of the checkout ``root`` at ``place``."""

    def __init__(self, root: Path, place: Path) -> None:
        self.place = place
        for name in COPIED:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("vm"))
            elif source.exists():
                shutil.copy(source, place / name)

    def baseline(self, tests: tuple[str, ...]) -> float | None:
        """Seconds that the tests take on the unchanged copy, or None when they fail.  Leaves compiled files
        behind."""
        started = time.monotonic()
        return time.monotonic() - started if self._run(tests, None, compiled=True) == 0 else None

    def fate(self, path: str, text: str, stages: tuple[Stage, ...]) -> Fate:
        """What the tests say of the copy with ``path`` changed to ``text``."""
        file = self.place / path
        original = file.read_bytes()
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
            compiled.unlink()  # of the unchanged file, which may have the same size and second
        file.write_text(text)
        try:
            for stage in stages:
                status = self._run(stage.tests, stage.seconds, compiled=False)
                if status != 0:
                    return Fate.TIME_OUT if status is None else Fate.KILLED
            return Fate.SURVIVED
        finally:
            file.write_bytes(original)

    def _run(self, tests: tuple[str, ...], seconds: float | None, *, compiled: bool) -> int | None:
        """pytest's exit status, None when the time is over."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-m",
            "not vm and not shared",
            "-p",
            "no:cacheprovider",
            *tests,
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.place),
            "PYTHONDONTWRITEBYTECODE": "" if compiled else "1",
        }
        process = subprocess.Popen(
            command,
            cwd=self.place,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # its own session: nothing else is in it
                process.wait()
