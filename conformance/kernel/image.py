"""A kernel to boot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Image:
    """A bootable kernel: ``vmlinuz`` (a bzImage), the ``modules`` the guest needs for its virtio port, decompressed and in the order
    they are to be inserted, and the build configuration where it is known.  ``version`` is what the kernel calls itself."""

    name: str
    version: str
    vmlinuz: Path
    modules: tuple[Path, ...] = ()
    config: Path | None = None
