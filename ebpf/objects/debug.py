"""Types and source lines of a linked program: func_info and line_info."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ebpf.btf.extension import BtfExtension, FunctionInfo, LineInfo
from ebpf.byte_order import OBJECT_ORDER
from ebpf.objects.functions import SLOT, ObjectFunction
from ebpf.objects.object import SourceLine

_RECORD = OBJECT_ORDER.layout("II")
_WORD = 1 << 32
_NONE = slice(0, 0)


_Info = TypeVar("_Info", FunctionInfo, LineInfo)


@dataclass(frozen=True, slots=True)
class _Row:
    slot: int
    line: SourceLine


def _slot(row: _Row) -> int:
    return row.slot


def _first(records: Iterable[_Info]) -> Iterable[tuple[str, list[_Info]]]:
    """Records by section, of the first part of the table that has its name: libbpf reads no other."""
    found: dict[str, list[_Info]] = {}
    for each in records:
        own = found.setdefault(each.section, [])
        if not own or own[0].group == each.group:
            own.append(each)
    return found.items()


def _span(slots: Sequence[int], function: ObjectFunction) -> slice:
    """Which records libbpf copies for a function: from the first to the last that lie in it, up to one beyond
    its end, whatever stands between them (libbpf.c, adjust_prog_btf_ext_info)."""
    within = []
    for number, slot in enumerate(slots):
        if slot >= function.end:
            break
        if slot >= function.start:
            within.append(number)
    return slice(within[0], within[-1] + 1) if within else _NONE


@dataclass(slots=True)
class Debug:
    """``.BTF.ext`` by section name and slot."""

    functions: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """(slot, type), in the order of the records."""
    line_slots: dict[str, list[int]] = field(default_factory=dict)
    """In the order of the records."""
    lines: dict[str, list[_Row]] = field(default_factory=dict)
    core: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, extension: BtfExtension) -> Debug:
        """The tables, lines in order."""
        functions = {
            title: [(each.offset // SLOT, each.type) for each in own]
            for title, own in _first(extension.functions)
        }
        found = cls(
            functions,
            {title: [each.offset // SLOT for each in own] for title, own in _first(extension.lines)},
        )
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

    def func_info(self, placed: Sequence[tuple[ObjectFunction, int]], names: dict[int, str]) -> bytes | None:
        """Records for BPF_PROG_LOAD, those of each function in turn; None where the program's own function
        has none.

        Whether they are one per function, as it must be, is the kernel's to say (kernel/bpf/verifier.c,
        check_btf_func).
        """
        packed: list[bytes] = []
        for function, start in placed:
            records = self.functions.get(names[function.section], [])
            chosen = records[_span([slot for slot, _ in records], function)]
            if not chosen and not packed:
                return None
            packed += [_RECORD.pack((slot - function.start + start) % _WORD, kind) for slot, kind in chosen]
        return b"".join(packed)

    def missing(self, placed: Sequence[tuple[ObjectFunction, int]], names: dict[int, str]) -> str:
        """What libbpf refuses to load a program without, once its own function has it ("": nothing): types,
        or lines, of a subprogram (libbpf.c, reloc_prog_func_and_line_info)."""
        slots = {title: [slot for slot, _ in records] for title, records in self.functions.items()}
        for what, table in (("function", slots), ("line", self.line_slots)):
            having = [_span(table.get(names[function.section], []), function) for function, _ in placed]
            lacking = [
                function.name for (function, _), span in zip(placed, having, strict=True) if span == _NONE
            ]
            if having[0] != _NONE and lacking:
                return f"missing .BTF.ext {what} info of function '{lacking[0]}'"
        return ""

    def source(
        self, placed: Sequence[tuple[ObjectFunction, int]], names: dict[int, str]
    ) -> tuple[SourceLine, ...]:
        """The lines of a linked program, by its own slots."""
        found = []
        for function, start in placed:
            rows = self.lines.get(names[function.section], [])
            for row in rows[
                bisect_left(rows, function.start, key=_slot) : bisect_left(rows, function.end, key=_slot)
            ]:
                line = row.line
                found.append(
                    SourceLine(
                        row.slot - function.start + start, line.file, line.line, line.column, line.text
                    )
                )
        return tuple(sorted(found, key=lambda line: line.slot))

    def has_core(self, placed: Sequence[tuple[ObjectFunction, int]], names: dict[int, str]) -> bool:
        """Whether an instruction is to be relocated by the running kernel's types."""
        for function, _ in placed:
            slots = self.core.get(names[function.section], [])
            if bisect_left(slots, function.start) < bisect_left(slots, function.end):
                return True
        return False
