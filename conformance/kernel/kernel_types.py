"""The BTF of a kernel image, read from the file itself: no machine need be booted for it."""

from __future__ import annotations

import io
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from conformance.kernel.architecture import DEFAULT, ImageFormat
from conformance.kernel.image_formats import unpack
from ebpf.errors import InputError


def kernel_btf(vmlinuz: Path, image_format: ImageFormat = DEFAULT.image_format) -> bytes:
    """The section ``.BTF``.  Raises :class:`InputError` for an image without one, or packed in a way that
    cannot be undone."""
    vmlinux = unpack(vmlinuz, image_format)
    if vmlinux[:4] != b"\x7fELF":
        raise InputError(f"{vmlinuz}: what is packed in it is not an ELF file")
    try:
        section = ELFFile(io.BytesIO(vmlinux)).get_section_by_name(".BTF")
        found: bytes | None = None if section is None else section.data()
    except (ELFError, ValueError, OverflowError, KeyError, IndexError):
        raise InputError(f"{vmlinuz}: what is packed in it is a broken ELF file") from None
    if found is None:
        raise InputError(f"{vmlinuz}: no .BTF: built without CONFIG_DEBUG_INFO_BTF")
    return found
