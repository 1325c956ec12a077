"""The BTF of a kernel image, read from the bzImage itself: no machine need be booted for it."""

from __future__ import annotations

import gzip
import lzma
import struct
import subprocess
from pathlib import Path

from ebpf.errors import InputError

_SETUP_SECTORS, _PAYLOAD = 0x1F1, 0x248
"""Places in the boot header; the payload's offset and length count from the end of the setup part
(Documentation/arch/x86/boot.rst)."""
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_SHDR = struct.Struct("<IIQQQQIIQQ")


def kernel_btf(vmlinuz: Path) -> bytes:
    """The section ``.BTF``.  Raises :class:`InputError` for an image without one, or packed in a way that
    cannot be undone."""
    vmlinux = _unpacked(vmlinuz)
    if vmlinux[:4] != b"\x7fELF":
        raise InputError(f"{vmlinuz}: what is packed in it is not an ELF file")
    try:
        found = _section(vmlinux, b".BTF")
    except (struct.error, IndexError, ValueError):
        raise InputError(f"{vmlinuz}: what is packed in it is a broken ELF file") from None
    if found is None:
        raise InputError(f"{vmlinuz}: no .BTF: built without CONFIG_DEBUG_INFO_BTF")
    return found


def _section(vmlinux: bytes, name: bytes) -> bytes | None:
    fields = _EHDR.unpack_from(vmlinux)
    start, size, count, names = fields[6], fields[11], fields[12], fields[13]
    heads = [_SHDR.unpack_from(vmlinux, start + number * size) for number in range(count)]
    text = heads[names][4]
    for head in heads:
        at = text + head[0]
        if vmlinux[at : vmlinux.index(b"\0", at)] == name:
            return vmlinux[head[4] : head[4] + head[5]]
    return None


def _unpacked(vmlinuz: Path) -> bytes:
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
