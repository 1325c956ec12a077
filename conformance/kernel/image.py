"""A kernel image: what a virtual machine boots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.kernel.architecture import DEFAULT, Architecture


@dataclass(frozen=True, slots=True)
class Image:
    """A bootable kernel.

    ``name`` is what the user calls it (``debian:6.12.107-1`` or a path); ``version`` is the release the image
    itself names (``uname -r``).  ``modules`` are uncompressed and in the order in which they must be loaded
    for a virtio-serial port to appear; empty where the drivers are built in.  ``config`` is the kernel's
    build configuration, None when nobody supplied one.
    """

    name: str
    version: str
    vmlinuz: Path
    modules: tuple[Path, ...] = ()
    config: Path | None = None
    architecture: Architecture = DEFAULT
