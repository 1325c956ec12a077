"""What a packed kernel holds, by its format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.kernel import bzimage
from conformance.kernel.architecture import ImageFormat
from ebpf.errors import InputError

_HEAD = 0x11000
"""Bytes of a file that hold all that tells its format."""


@dataclass(frozen=True, slots=True)
class FormatReader:
    """How one format is read; both raise :class:`ebpf.errors.InputError` for a file of another."""

    marks: tuple[tuple[int, bytes], ...]
    """What is where in each file of the format: (offset, bytes)."""
    release: Callable[[Path], str]
    unpack: Callable[[Path], bytes]

    def reads(self, head: bytes) -> bool:
        """Whether a file that begins so is of the format."""
        return all(head.startswith(mark, at) for at, mark in self.marks)


def _plain(image_format: ImageFormat, marks: tuple[tuple[int, bytes], ...], banner: bytes) -> FormatReader:
    """The reader of a format in which the ``banner``, its only group the release, can be read as it is."""

    def unpack(path: Path) -> bytes:
        content = _read(path)
        if not reader.reads(content[:_HEAD]):
            raise InputError(f"{path}: not a kernel image of the format {image_format.value}")
        return content

    def release(path: Path) -> str:
        if (found := re.search(banner, unpack(path))) is None:
            raise InputError(f"{path}: not a kernel veridiff can use: no banner in it names a version")
        return found[1].decode()

    reader = FormatReader(marks, release, unpack)
    return reader


def _read(path: Path, size: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


_LINUX_BANNER = rb"Linux version (\d+\.\d+\S*) \("  # init/version.c
_BOOT_BANNER = rb"(\d+\.\d+\.\d+\S*) \(\S+@\S+\) #"  # arch/s390/boot/version.c

_READERS = {
    ImageFormat.BZIMAGE: FormatReader(
        ((0x1FE, b"\x55\xaa"), (0x202, b"HdrS")), bzimage.release, bzimage.unpack
    ),
    ImageFormat.ARM64_IMAGE: _plain(ImageFormat.ARM64_IMAGE, ((0x38, b"ARM\x64"),), _LINUX_BANNER),
    ImageFormat.RISCV_IMAGE: _plain(ImageFormat.RISCV_IMAGE, ((0x38, b"RSC\x05"),), _LINUX_BANNER),
    # e_machine is EM_PPC64, as a little-endian file has it.
    ImageFormat.POWERPC_VMLINUX: _plain(
        ImageFormat.POWERPC_VMLINUX, ((0, b"\x7fELF\x02\x01"), (18, b"\x15\0")), _LINUX_BANNER
    ),
    ImageFormat.S390: _plain(ImageFormat.S390, ((0x10008, b"S390EP"),), _BOOT_BANNER),
}


def identify(image: Path) -> ImageFormat:
    """The format of a file; of one that is nothing we know, bzImage, whose reader says what is wrong.

    Raises :class:`ebpf.errors.InputError` for a file that cannot be read.
    """
    head = _read(image, _HEAD)
    found = (image_format for image_format, reader in _READERS.items() if reader.reads(head))
    return next(found, ImageFormat.BZIMAGE)


def release(image: Path, image_format: ImageFormat) -> str:
    """The release (``uname -r``) that the image names."""
    return _READERS[image_format].release(image)


def unpack(image: Path, image_format: ImageFormat) -> bytes:
    """The kernel in the image: an ELF file, or what lies in memory."""
    return _READERS[image_format].unpack(image)
