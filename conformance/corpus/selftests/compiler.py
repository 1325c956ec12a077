"""A clang that compiles for BPF, of the machine's own; which one, or what to install."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ebpf.errors import InputError

OLDEST = 18
"""The first that knows the whole instruction set of version 4, which the selftests are written for."""
NEWEST = 25


@dataclass(frozen=True, slots=True)
class Clang:
    """``version``: its major number; ``identity``: the whole line, which compiled objects depend on."""

    path: Path
    version: int
    identity: str


def find_clang() -> Clang:
    """The newest one that will do.  Raises :class:`InputError` that says what to install."""
    seen = []
    for name in (*[f"clang-{number}" for number in range(NEWEST, OLDEST - 1, -1)], "clang"):
        path = shutil.which(name)
        if path is None:
            continue
        clang = _ask(Path(path))
        if clang is not None and clang.version >= OLDEST and _targets_bpf(clang.path):
            return clang
        seen.append(f"{path} is {clang.identity if clang else 'broken'}")
    reason = "; ".join(seen) or "none is installed"
    raise InputError(
        f"no clang >= {OLDEST} with the target bpf: {reason}; install one: apt-get install clang-19"
    )


def _ask(path: Path) -> Clang | None:
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"clang version (\d+)\S*.*", answer.stdout)
    return Clang(path, int(found[1]), found[0]) if found else None


def _targets_bpf(path: Path) -> bool:
    command: list[str | Path] = [path, "--target=bpf", "-c", "-x", "c", "-", "-o", "/dev/null"]
    answer = subprocess.run(command, input="int zero;", text=True, capture_output=True, check=False)
    return answer.returncode == 0
