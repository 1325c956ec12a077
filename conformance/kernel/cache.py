"""Where veridiff keeps what it fetched or built, and how several processes share it.  Standard library
only."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.kernel.apt import make_directory
from ebpf.errors import InputError


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/veridiff``, or ``~/.cache/veridiff``; not yet made.  :class:`InputError` when there
    is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "veridiff"
    except RuntimeError as error:
        raise InputError("no home directory to keep a cache in: set XDG_CACHE_HOME") from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on a file; the system lets go of it when the process dies, however it dies."""
    make_directory(path.parent)
    try:
        file = path.open("w")
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror} (XDG_CACHE_HOME chooses another place for the cache)"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
