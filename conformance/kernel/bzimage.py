"""The x86 boot header: whether a file is a bzImage, and which release it says it is
(Documentation/arch/x86/boot.rst)."""

from __future__ import annotations

import struct
from pathlib import Path

from ebpf.errors import InputError

_BOOT_FLAG = 0x1FE  # 0xAA55
_MAGIC = 0x202  # "HdrS"
_KERNEL_VERSION = 0x20E  # offset of the version text, less 0x200
_HEADER = 0x8000  # more than the largest setup part (64 sectors of 512 bytes)


def release(path: Path) -> str:
    """The release (``uname -r``) a bzImage names in its header.  Raises :class:`InputError` for anything that
    is not one."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if len(head) < _KERNEL_VERSION + 2:
        raise InputError(f"{path}: not a bzImage: {len(head)} bytes are too short for the x86 boot header")
    if head[_BOOT_FLAG : _BOOT_FLAG + 2] != b"\x55\xaa":
        raise InputError(f"{path}: not a bzImage: no 0xAA55 at offset {_BOOT_FLAG:#x}")
    if head[_MAGIC : _MAGIC + 4] != b"HdrS":
        raise InputError(f'{path}: not a bzImage: no "HdrS" at offset {_MAGIC:#x}')
    (offset,) = struct.unpack_from("<H", head, _KERNEL_VERSION)
    text = head[offset + 0x200 :].split(b"\0", 1)[0] if offset else b""
    words = text.decode("ascii", "replace").split()
    if not words:
        raise InputError(f"{path}: not a bzImage veridiff can use: its header names no kernel version")
    return words[0]
