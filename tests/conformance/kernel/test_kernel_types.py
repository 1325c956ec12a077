"""A kernel's types, out of images packed in each way, and the one clear error for what is none."""

from __future__ import annotations

import gzip
import lzma
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from conformance.kernel.kernel_types import kernel_btf
from ebpf.errors import InputError


def vmlinux(section: bytes = b".BTF") -> bytes:
    """An ELF file of three sections: none, ``section`` and the names."""
    names = b"\0" + section + b"\0.shstrtab\0"
    body = b"the types" + names
    heads = [bytes(64), _head(1, 64, 9), _head(2 + len(section), 73, len(names), 3)]
    start = 64 + len(body)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 1, 62, 1, 0, 0, start, 0, 64, 0, 0, 64, 3, 2)
    return head + body + b"".join(heads)


def _head(name: int, offset: int, size: int, kind: int = 1) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)


def image(path: Path, payload: bytes) -> Path:
    """With a setup part of two sectors."""
    head = bytearray(1024)
    head[0x1F1] = 1
    struct.pack_into("<II", head, 0x248, 16, len(payload))
    path.write_bytes(bytes(head) + bytes(16) + payload)
    return path


def zstd(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        pytest.skip("needs zstd")
    return subprocess.run(["zstd", "-cq"], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress, zstd])
def test_the_types_are_found_however_the_kernel_is_packed(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    length = struct.pack("<I", len(vmlinux()))
    assert kernel_btf(image(tmp_path / "vmlinuz", pack(vmlinux()) + length)) == b"the types"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (lzma.compress(vmlinux(b".text")), r"no \.BTF"),
        (lzma.compress(b"text"), "not an ELF file"),
        (lzma.compress(b"\x7fELF"), "broken ELF file"),
        (lzma.compress(vmlinux()[:-70]), "broken ELF file"),
        (b"LZO!", "not known"),
        (lzma.compress(vmlinux())[:40], "ELF"),
    ],
)
def test_what_has_none_is_named(tmp_path: Path, payload: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        kernel_btf(image(tmp_path / "vmlinuz", payload))


def test_a_file_that_is_too_short_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_bytes(b"MZ")
    with pytest.raises(InputError, match="not a bzImage"):
        kernel_btf(tmp_path / "vmlinuz")
