"""Running a set-up program with its output in a log file, and finding the line in it that says what went
wrong."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from conformance.kernel.cache import cache_directory
from ebpf.errors import InfrastructureError

_PR_SET_PDEATHSIG = 1


def run_logged(command: Sequence[str], *, dies_with_us: bool) -> None:
    """Runs a program; when it fails, raises :class:`InfrastructureError` with its first error line and the
    log's path.

    ``dies_with_us``: kill it when this process is killed.  pip must not go on filling an environment that the
    next start makes anew; dpkg on the other hand must never be cut short.
    """
    log = cache_directory() / "setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    with log.open("ab") as file:
        start = file.tell()
        process = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            preexec_fn=_die_with_parent if dies_with_us else None,
            check=False,
        )
    if process.returncode:
        reason = (
            error_line(log.read_bytes()[start:].decode(errors="replace"))
            or f"exit status {process.returncode}"
        )
        raise InfrastructureError(f"{_short(command)}: {reason} (all of it is in {log})")


def error_line(output: str) -> str:
    """The first line of a program's output that reports an error; its last line when none says so."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(E:|error[: ]|.*Error: )", line, re.IGNORECASE)]
    return (errors or lines[-1:] or [""])[0]


def _short(command: Sequence[str]) -> str:
    words = [
        Path(command[0]).name,
        *(word for word in command[1:] if not word.startswith("-") and "::" not in word),
    ]
    return " ".join(words)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
