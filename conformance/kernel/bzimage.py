"""A bzImage: its x86 boot header, which release that names, and the kernel packed behind it
(Documentation/arch/x86/boot.rst)."""

from __future__ import annotations

import gzip
import lzma
import struct
import subprocess
from pathlib import Path

from ebpf.errors import InputError

_BOOT_FLAG = 0x1FE  # 0xAA55
_MAGIC = 0x202  # "HdrS"
_KERNEL_VERSION = 0x20E  # offset of the version text, less 0x200
_HEADER = 0x8000  # more than the largest setup part (64 sectors of 512 bytes)
_SETUP_SECTORS = 0x1F1
_PAYLOAD = 0x248  # the payload's offset and length, from the end of the setup part


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


def unpack(vmlinuz: Path) -> bytes:
    """The payload as it was before it was packed: vmlinux, an ELF file.

    Raises :class:`InputError` for a file without one, or packed in a way that cannot be undone.
    """
    try:
        image = vmlinuz.read_bytes()
    except OSError as error:
        raise InputError(f"{vmlinuz}: {error.strerror}") from None
    if len(image) < _PAYLOAD + 8:
        raise InputError(f"{vmlinuz}: not a bzImage")
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    begin = (image[_SETUP_SECTORS] + 1) * 512 + offset
    payload = image[begin : begin + length]
    try:
        match payload[:4]:
            case b"\x28\xb5\x2f\xfd":
                # The four bytes after it are the length of what was packed, and zstd complains of them.
                return subprocess.run(
                    ["zstd", "-dcq"], input=payload, capture_output=True, check=False
                ).stdout
            case b"\xfd7zX":
                return lzma.LZMADecompressor().decompress(payload)
            case head if head[:2] == b"\x1f\x8b":
                return gzip.decompress(payload[:-4])
    except FileNotFoundError:
        raise InputError(f"{vmlinuz}: packed with zstd; install the package zstd") from None
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InputError(f"{vmlinuz}: cannot be unpacked: {error}") from None
    raise InputError(f"{vmlinuz}: packed in a way that is not known (it begins with {payload[:4].hex()})")
