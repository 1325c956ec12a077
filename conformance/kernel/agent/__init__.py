"""The guest's init: C sources, built statically at first use and kept by content."""

from __future__ import annotations

from pathlib import Path

from conformance.kernel.architecture import Architecture
from conformance.kernel.compiling import built

SOURCES = Path(__file__).parent


def agent(architecture: Architecture) -> bytes:
    """The static executable for one architecture.  Raises :class:`ebpf.errors.InputError` when there is no
    compiler, or it fails."""
    return built("agent", architecture, sorted(SOURCES.glob("*.[ch]")))
