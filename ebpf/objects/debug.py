"""Types and source lines of a linked program: func_info and line_info."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from ebpf.btf.extension import BtfExtension
from ebpf.objects.functions import SLOT, Function
from ebpf.objects.object import SourceLine

_RECORD = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class _Row:
    slot: int
    line: SourceLine


def _slot(row: _Row) -> int:
    return row.slot


@dataclass(slots=True)
class Debug:
    """``.BTF.ext`` by section name and slot."""

    functions: dict[tuple[str, int], int] = field(default_factory=dict)
    lines: dict[str, list[_Row]] = field(default_factory=dict)
    core: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, extension: BtfExtension) -> Debug:
        """The tables, lines in order."""
        found = cls({(each.section, each.offset // SLOT): each.type for each in extension.functions})
        for line in extension.lines:
            slot = line.offset // SLOT
            row = _Row(slot, SourceLine(slot, line.file, line.line, line.column, line.text))
            found.lines.setdefault(line.section, []).append(row)
        for each in extension.core:
            found.core.setdefault(each.section, []).append(each.offset // SLOT)
        for rows in found.lines.values():
            rows.sort(key=_slot)
        for slots in found.core.values():
            slots.sort()
        return found

    def func_info(self, placed: Sequence[tuple[Function, int]], names: dict[int, str]) -> bytes | None:
        """Records for BPF_PROG_LOAD; None unless each function has one, as the kernel wants (kernel/bpf/verifier.c,
        check_btf_func)."""
        types = [self.functions.get((names[function.section], function.start)) for function, _ in placed]
        if not all(types):
            return None
        return b"".join(_RECORD.pack(start, kind or 0) for (_, start), kind in zip(placed, types, strict=True))

    def source(self, placed: Sequence[tuple[Function, int]], names: dict[int, str]) -> tuple[SourceLine, ...]:
        """The lines of a linked program, by its own slots."""
        found = []
        for function, start in placed:
            rows = self.lines.get(names[function.section], [])
            for row in rows[bisect_left(rows, function.start, key=_slot) : bisect_left(rows, function.end, key=_slot)]:
                line = row.line
                found.append(SourceLine(row.slot - function.start + start, line.file, line.line, line.column, line.text))
        return tuple(sorted(found, key=lambda line: line.slot))

    def has_core(self, placed: Sequence[tuple[Function, int]], names: dict[int, str]) -> bool:
        """Whether an instruction is to be relocated by the running kernel's types."""
        for function, _ in placed:
            slots = self.core.get(names[function.section], [])
            if bisect_left(slots, function.start) < bisect_left(slots, function.end):
                return True
        return False
