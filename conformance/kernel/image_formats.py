"""What a packed kernel holds, by its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.kernel import bzimage
from conformance.kernel.architecture import ImageFormat


@dataclass(frozen=True, slots=True)
class FormatReader:
    """How one format is read; both raise :class:`ebpf.errors.InputError` for a file of another."""

    release: Callable[[Path], str]
    unpack: Callable[[Path], bytes]


_READERS = {ImageFormat.BZIMAGE: FormatReader(bzimage.release, bzimage.unpack)}


def release(image: Path, image_format: ImageFormat) -> str:
    """The release (``uname -r``) that the image names."""
    return _READERS[image_format].release(image)


def unpack(image: Path, image_format: ImageFormat) -> bytes:
    """The vmlinux packed in the image, an ELF file."""
    return _READERS[image_format].unpack(image)
