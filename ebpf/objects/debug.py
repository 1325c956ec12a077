"""Types and source lines of a linked program: func_info and line_info."""

from __future__ import annotations

import struct
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
        for section, offset in extension.core:
            found.core.setdefault(section, []).append(offset // SLOT)
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
            for row in self.lines.get(names[function.section], ()):
                if function.start <= row.slot < function.end:
                    line = row.line
                    slot = row.slot - function.start + start
                    found.append(SourceLine(slot, line.file, line.line, line.column, line.text))
        return tuple(sorted(found, key=lambda line: line.slot))

    def has_core(self, placed: Sequence[tuple[Function, int]], names: dict[int, str]) -> bool:
        """Whether an instruction is to be relocated by the running kernel's types."""
        return any(
            function.start <= slot < function.end for function, _ in placed for slot in self.core.get(names[function.section], ())
        )
