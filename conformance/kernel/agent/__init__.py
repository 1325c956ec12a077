"""The guest's init: C sources, built statically at first use and kept by content."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from conformance.kernel.cache import cache_directory
from ebpf.errors import InputError

SOURCES = Path(__file__).parent
FLAGS = ("-static", "-O2", "-Wall", "-Wextra")


def compiler() -> tuple[str, ...]:
    """$CC (which may hold arguments), else cc, else gcc.  Raises :class:`InputError` when there is none."""
    named = os.environ.get("CC")
    candidates = [tuple(shlex.split(named))] if named else [("cc",), ("gcc",)]
    for candidate in candidates:
        if candidate and shutil.which(candidate[0]):
            return candidate
    looked = named or "cc, gcc"
    raise InputError(f"no C compiler ({looked}): install one (Debian: apt-get install gcc libc6-dev) or name it in CC")


def agent() -> bytes:
    """The static executable.  Raises :class:`InputError` when there is no compiler, or it fails."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    command = [*compiler(), *FLAGS]
    digest = hashlib.sha256(shlex.join(command).encode())
    for source in sources:
        digest.update(source.read_bytes())
    kept = cache_directory()
    kept.mkdir(parents=True, exist_ok=True)
    built = kept / f"agent-{digest.hexdigest()[:32]}"
    if not built.exists():
        _build(command, [str(source) for source in sources if source.suffix == ".c"], built)
    return built.read_bytes()


def _build(command: list[str], sources: list[str], to: Path) -> None:
    # Two workers may build at once: each writes its own file, and the rename decides.
    with tempfile.NamedTemporaryFile(dir=to.parent, prefix="agent-", delete=False) as unfinished:
        pass
    try:
        done = subprocess.run([*command, "-o", unfinished.name, *sources], capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"the agent does not build with {shlex.join(command)}: {_first_error(done.stderr)}")
        os.replace(unfinished.name, to)
    finally:
        Path(unfinished.name).unlink(missing_ok=True)


def _first_error(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if "error" in line or "cannot find" in line] or stderr.splitlines()
    return lines[0].strip() if lines else "no message"
