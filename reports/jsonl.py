"""JSON lines: a record a line, appended so that what was written survives kill -9."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ebpf.errors import InputError

_T = TypeVar("_T")


def append(path: Path, records: Iterable[Any]) -> None:
    """Add a line for each record; they are on disk when this returns.

    Raises ``OSError``, a full disk among others, having added none of them.
    """
    left = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        try:
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def decode(path: Path, lines: Iterable[bytes], kind: type[_T]) -> list[_T]:
    """The records of the lines of a file.  Raises :class:`InputError` naming the first line that holds
    none."""
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(msgspec.json.decode(line, type=kind))
        except msgspec.MsgspecError as error:
            raise InputError(f"{path}:{number}: {error}") from error
    return records
