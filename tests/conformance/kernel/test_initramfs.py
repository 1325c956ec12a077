"""The archive, read by a reader that is not ours."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.kernel.image import Image
from conformance.kernel.initramfs import ArchiveEntry, cpio, initramfs


def parse(archive: bytes) -> list[tuple[str, int, bytes]]:
    found: list[tuple[str, int, bytes]] = []
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        numbers = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = numbers[1], numbers[6], numbers[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        at += 110 + name_size
        at += -at % 4
        data = archive[at : at + size]
        at += size + -size % 4
        if name == "TRAILER!!!":
            assert at == len(archive)
            return found
        found.append((name, mode, data))


names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=9)


@settings(deadline=None)
@given(st.lists(st.tuples(names, st.integers(0, 0o177777), st.binary(max_size=20)), max_size=5))
def test_entries_are_read_back(entries: list[tuple[str, int, bytes]]) -> None:
    assert parse(cpio([ArchiveEntry(*entry) for entry in entries])) == entries


def test_modules_are_listed_in_loading_order(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("virtio.ko", "a.ko")]
    for path in paths:
        path.write_bytes(path.name.encode())
    files = {
        name: data for name, _, data in parse(initramfs(b"agent", Image("x", "1", tmp_path, tuple(paths))))
    }
    assert files["init"] == b"agent"
    assert files["modules/list"] == b"00-virtio.ko\n01-a.ko\n"
    assert files["modules/00-virtio.ko"] == b"virtio.ko"


@pytest.mark.skipif(shutil.which("cpio") is None, reason="no cpio here")
def test_cpio_reads_it() -> None:
    archive = cpio([ArchiveEntry("init", 0o100755, b"x" * 5), ArchiveEntry("dev", 0o040755)])
    listed = subprocess.run(["cpio", "-t"], input=archive, capture_output=True, check=True).stdout
    assert listed.split() == [b"init", b"dev"]
