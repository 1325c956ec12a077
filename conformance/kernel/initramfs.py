"""The guest's root file system: a "newc" cpio archive
(Documentation/driver-api/early-userspace/buffer-format.rst)."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.kernel.image import Image

TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file (``data``) or, by its ``mode``, a directory or a device node.  ``name`` has no leading slash."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def cpio(entries: Iterable[ArchiveEntry]) -> bytes:
    """The archive, trailer included."""
    parts = [_record(number, entry) for number, entry in enumerate(entries, 1)]
    return b"".join([*parts, _record(0, ArchiveEntry(TRAILER, 0))])


def _record(inode: int, entry: ArchiveEntry) -> bytes:
    name = entry.name.encode() + b"\0"
    major, minor = entry.device
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    numbers = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, major, minor, len(name), 0)
    head = b"070701" + b"".join([b"%08X" % number for number in numbers]) + name
    return _padded(head) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def initramfs(agent: bytes, image: Image) -> bytes:
    """The agent as /init, the image's modules in /modules, and their order in /modules/list."""
    modules = [(f"{number:02}-{path.name}", path.read_bytes()) for number, path in enumerate(image.modules)]
    listing = "".join([name + "\n" for name, _ in modules])
    entries = [
        ArchiveEntry("dev", stat.S_IFDIR | 0o755),
        # init's first three file descriptors, should devtmpfs fail to mount
        ArchiveEntry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        ArchiveEntry("proc", stat.S_IFDIR | 0o755),
        ArchiveEntry("sys", stat.S_IFDIR | 0o755),
        ArchiveEntry("modules", stat.S_IFDIR | 0o755),
        *[ArchiveEntry("modules/" + name, stat.S_IFREG | 0o644, data) for name, data in modules],
        ArchiveEntry("modules/list", stat.S_IFREG | 0o644, listing.encode()),
        ArchiveEntry("init", stat.S_IFREG | 0o755, agent),
    ]
    return cpio(entries)
