"""C sources built statically at first use, and kept by content."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from conformance.kernel.architecture import Architecture
from conformance.kernel.cache import cache_directory
from ebpf.errors import InputError

FLAGS = ("-static", "-O2", "-Wall", "-Wextra")


def find_compiler(architecture: Architecture) -> tuple[str, ...]:
    """For the machine's own architecture $CC (which may hold arguments), else cc or gcc; for another its
    cross compiler.  Empty when there is none."""
    return next((each for each in _candidates(architecture) if each and shutil.which(each[0])), ())


def compiler(architecture: Architecture) -> tuple[str, ...]:
    """As :func:`find_compiler`.  Raises :class:`InputError` when there is none."""
    if found := find_compiler(architecture):
        return found
    looked = ", ".join(shlex.join(each) for each in _candidates(architecture))
    raise InputError(
        f"no C compiler ({looked}): install one (Debian: apt-get install "
        f"{' '.join(compiler_packages(architecture))})"
        + (" or name it in CC" if is_native(architecture) else "")
    )


def compiler_packages(architecture: Architecture) -> tuple[str, ...]:
    """Debian's packages that bring a compiler which links statically."""
    if is_native(architecture):
        return "gcc", "libc6-dev"
    return architecture.compiler_package, architecture.libc_package


def is_native(architecture: Architecture) -> bool:
    """Whether this machine is of that architecture."""
    return platform.machine() == architecture.name


def _candidates(architecture: Architecture) -> list[tuple[str, ...]]:
    if not is_native(architecture):
        return [(architecture.cross_compiler,)]
    if named := os.environ.get("CC"):
        return [tuple(shlex.split(named))]
    return [("cc",), ("gcc",)]


def built(
    name: str,
    architecture: Architecture,
    sources: Sequence[Path],
    flags: Sequence[str] = (),
    libraries: Sequence[str] = (),
) -> bytes:
    """The static executable of ``sources`` (headers among them are not handed to the compiler).

    Raises :class:`InputError` when there is no compiler, or it fails.
    """
    command = [*compiler(architecture), *FLAGS, *flags]
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
