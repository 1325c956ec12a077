"""What is a bzImage, and what is not."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from conformance.kernel.bzimage import release
from ebpf.errors import InputError


def header(
    *, flag: int = 0xAA55, magic: bytes = b"HdrS", text: bytes | None = b"6.12.1-test (builder@host) #1"
) -> bytes:
    image = bytearray(0x1000)
    struct.pack_into("<H", image, 0x1FE, flag)
    image[0x202:0x206] = magic
    if text is not None:
        struct.pack_into("<H", image, 0x20E, 0x400)
        image[0x600 : 0x600 + len(text)] = text
    return bytes(image)


def test_release_is_the_first_word(tmp_path: Path) -> None:
    path = tmp_path / "bzImage"
    path.write_bytes(header())
    assert release(path) == "6.12.1-test"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes are too short"),
        (b"\x7fELF" * 0x400, "no 0xAA55 at offset 0x1fe"),
        (header(magic=b"HdrX"), 'no "HdrS" at offset 0x202'),
        (header(text=None), "names no kernel version"),
    ],
)
def test_anything_else_is_one_clear_error(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        release(path)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), (".", "Is a directory")])
def test_what_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        release(tmp_path / name)
