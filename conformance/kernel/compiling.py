"""C sources built statically at first use, and kept by content."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from conformance.kernel.cache import cache_directory
from ebpf.errors import InputError

FLAGS = ("-static", "-O2", "-Wall", "-Wextra")


def compiler() -> tuple[str, ...]:
    """$CC (which may hold arguments), else cc, else gcc.  Raises :class:`InputError` when there is none."""
    named = os.environ.get("CC")
    candidates = [tuple(shlex.split(named))] if named else [("cc",), ("gcc",)]
    for candidate in candidates:
        if candidate and shutil.which(candidate[0]):
            return candidate
    looked = named or "cc, gcc"
    raise InputError(
        f"no C compiler ({looked}): install one (Debian: apt-get install gcc libc6-dev) or name it in CC"
    )


def built(
    name: str, sources: Sequence[Path], flags: Sequence[str] = (), libraries: Sequence[str] = ()
) -> bytes:
    """The static executable of ``sources`` (headers among them are not handed to the compiler).

    Raises :class:`InputError` when there is no compiler, or it fails.
    """
    command = [*compiler(), *FLAGS, *flags]
    digest = hashlib.sha256(shlex.join([*command, *libraries]).encode())
    for source in sources:
        digest.update(source.read_bytes())
    kept = cache_directory()
    kept.mkdir(parents=True, exist_ok=True)
    file = kept / f"{name}-{digest.hexdigest()[:32]}"
    if not file.exists():
        _build(
            name, command, [*(str(source) for source in sources if source.suffix == ".c"), *libraries], file
        )
    return file.read_bytes()


def _build(name: str, command: list[str], inputs: list[str], to: Path) -> None:
    # Two workers may build at once: each writes its own file, and the rename decides.
    with tempfile.NamedTemporaryFile(dir=to.parent, prefix=f"{name}-", delete=False) as unfinished:
        pass
    try:
        done = subprocess.run(
            [*command, "-o", unfinished.name, *inputs], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise InputError(
                f"the {name} does not build with {shlex.join(command)}: {_first_error(done.stderr)}"
            )
        os.replace(unfinished.name, to)
    finally:
        Path(unfinished.name).unlink(missing_ok=True)


def _first_error(stderr: str) -> str:
    lines = [
        line for line in stderr.splitlines() if "error" in line or "cannot find" in line
    ] or stderr.splitlines()
    return lines[0].strip() if lines else "no message"
