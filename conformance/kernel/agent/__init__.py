"""The guest's init: C sources, built statically at first use and kept by content."""

from __future__ import annotations

from pathlib import Path

from conformance.kernel.compiling import built

SOURCES = Path(__file__).parent


def agent() -> bytes:
    """The static executable.  Raises :class:`ebpf.errors.InputError` when there is no compiler, or it
    fails."""
    return built("agent", sorted(SOURCES.glob("*.[ch]")))
