"""``.BTF.ext``: which function begins where, which source line an instruction comes from, and CO-RE
relocations (Documentation/bpf/btf.rst, section 3.2 and after; libbpf btf.c, btf_ext_parse; libbpf 1.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ebpf.btf import types as t
from ebpf.btf.core import CoreRelocation
from ebpf.btf.reader import Btf, BtfError
from ebpf.byte_order import OBJECT_ORDER

HEADER = OBJECT_ORDER.layout("HBBI")
RANGE = OBJECT_ORDER.layout("II")
"""offset, length of each of func_info, line_info and, from hdr_len 32 on, core_relo."""
SECTION = OBJECT_ORDER.layout("II")
"""sec_name_off, num_info."""
FUNC, LINE, CORE = OBJECT_ORDER.layout("II"), OBJECT_ORDER.layout("IIII"), OBJECT_ORDER.layout("IIII")
_KINDS = (("func_info", FUNC), ("line_info", LINE), ("core_relo", CORE))
COLUMN_BITS = 10


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """The function that begins at ``offset`` bytes of ``section``; ``type`` is its BTF id.  ``group``: which
    part of the table it is in."""

    section: str
    group: int
    offset: int
    type: int


@dataclass(frozen=True, slots=True)
class LineInfo:
    """The source of the instruction at ``offset`` bytes of ``section``; ``group`` as above."""

    section: str
    group: int
    offset: int
    file: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class BtfExtension:
    """The three tables."""

    functions: tuple[FunctionInfo, ...] = ()
    lines: tuple[LineInfo, ...] = ()
    core: tuple[CoreRelocation, ...] = ()
    nameless: bool = False
    """Whether a part of the first two has a name beyond the strings."""


def read_extension(raw: bytes, btf: Btf) -> BtfExtension:
    """Raises :class:`BtfError`."""
    if len(raw) < HEADER.size:
        raise BtfError("BTF.ext header", f"truncated: {len(raw)} bytes")
    magic, version, _, length = HEADER.unpack_from(raw)
    if magic != t.MAGIC or version != 1:
        raise BtfError("BTF.ext header", f"magic {magic:#x}, version {version}")
    if not HEADER.size + 2 * RANGE.size <= length <= len(raw):
        raise BtfError("BTF.ext header, hdr_len", f"{length} does not fit {len(raw)} bytes")
    tables = []
    for number, (name, record) in enumerate(_KINDS):
        at = HEADER.size + number * RANGE.size
        start, size = RANGE.unpack_from(raw, at) if at + RANGE.size <= length else (0, 0)
        if size and length + start + size > len(raw):
            raise BtfError(f"BTF.ext header, {name}", f"{start}+{size} leaves {len(raw)} bytes")
        tables.append(list(_records(raw[length + start : length + start + size], name, record, btf)))
    functions, lines, core = tables
    nameless = any(section is None for section, _, _ in functions + lines)
    return BtfExtension(
        tuple(
            FunctionInfo(section or "", group, offset, kind) for section, group, (offset, kind) in functions
        ),
        tuple(_line(section or "", group, record, btf) for section, group, record in lines),
        tuple(
            CoreRelocation(section or "", at, kind, _text(btf, path), what)
            for section, _, (at, kind, path, what) in core
        ),
        nameless,
    )


def _line(section: str, group: int, record: tuple[int, ...], btf: Btf) -> LineInfo:
    offset, file, text, where = record
    column = where & ((1 << COLUMN_BITS) - 1)
    return LineInfo(section, group, offset, _text(btf, file), where >> COLUMN_BITS, column, _text(btf, text))


def _text(btf: Btf, offset: int) -> str:
    """A name, "" where there is none: libbpf passes over a section whose name it cannot find, and never looks
    at a line's."""
    return btf.string(offset) if offset < btf.strings_size else ""


def _records(
    table: bytes, name: str, record: struct.Struct, btf: Btf
) -> Iterator[tuple[str | None, int, tuple[int, ...]]]:
    """(section's name, None where there is none; its number in the table; record)."""
    if not table:
        return
    here = f"BTF.ext {name}"
    if len(table) < 4:
        raise BtfError(here, "record size missing")
    (step,) = t.WORD.unpack_from(table)
    if step < record.size or step % 4:
        raise BtfError(f"{here}, rec_size", f"{step} is less than {record.size} or not a multiple of 4")
    at, group = 4, 0
    while at < len(table):
        if at + SECTION.size > len(table):
            raise BtfError(here, "section header cut off")
        section, count = SECTION.unpack_from(table, at)
        at += SECTION.size
        if count == 0 or at + count * step > len(table):
            raise BtfError(f"{here}, num_info", f"{count} records of {step} bytes do not fit")
        title = btf.string(section) if section < btf.strings_size else None
        for _ in range(count):
            yield title, group, record.unpack_from(table, at)
            at += step
        group += 1


def build_extension(
    functions: Sequence[tuple[int, Sequence[tuple[int, int]]]],
    lines: Sequence[tuple[int, Sequence[tuple[int, int, int, int]]]],
) -> bytes:
    """The section; tables are (offset of the section's name, its records)."""
    packed = []
    for record, table in ((FUNC, functions), (LINE, lines)):
        body = b"".join(
            SECTION.pack(name, len(rows)) + b"".join(record.pack(*row) for row in rows)
            for name, rows in table
            if rows
        )
        packed.append(t.WORD.pack(record.size) + body if body else b"")
    head = HEADER.pack(t.MAGIC, 1, 0, HEADER.size + 2 * RANGE.size)
    return (
        head + RANGE.pack(0, len(packed[0])) + RANGE.pack(len(packed[0]), len(packed[1])) + b"".join(packed)
    )
