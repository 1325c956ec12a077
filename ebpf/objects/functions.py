"""Functions of an object: what symbols say begins and ends where (libbpf 1.4, libbpf.c:
bpf_object__add_programs)."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from dataclasses import dataclass

from ebpf.byte_order import OBJECT_ORDER
from ebpf.isa.insn import Insn, decode
from ebpf.objects.collected import Collected
from ebpf.objects.elf import Binding, SymbolType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import ElfFile, Section, Symbol
from ebpf.objects.generation import Generation

SLOT = 8


@dataclass(frozen=True, slots=True)
class ObjectFunction:
    """A program or a subprogram as it lies in its section, from slot ``start`` on."""

    name: str
    section: int
    start: int
    instructions: tuple[Insn, ...]
    is_global: bool

    @property
    def end(self) -> int:
        """The slot after its last one."""
        return self.start + len(self.instructions)


class Functions:
    """All of them, in the order of sections and of their starts."""

    def __init__(self, file: ElfFile, found: Collected, generation: Generation) -> None:
        """Raises :class:`ebpf.objects.errors.ObjectError`."""
        text = found.text.index if found.text else 0
        symbols: dict[int, list[Symbol]] = {section.index: [] for section in found.programs}
        for symbol in file.symbols:
            if symbol.type == SymbolType.FUNC and symbol.section in symbols:
                symbols[symbol.section].append(symbol)
        self.strict = generation.strict_names
        self.by_section = {
            section.index: _functions(symbols[section.index], section, section.index == text)
            if generation.programs_by_symbol
            else _tiled(symbols[section.index], section)
            for section in found.programs
        }
        self.all = [each for section in sorted(self.by_section) for each in self.by_section[section]]
        self._starts = {index: [each.start for each in every] for index, every in self.by_section.items()}
        self.text = text

    def at(self, section: int, slot: int) -> ObjectFunction | None:
        """The function that holds this slot."""
        number = bisect_right(self._starts.get(section, []), slot) - 1
        if number < 0:
            return None
        found = self.by_section[section][number]
        return found if slot < found.end else None

    def programs(self) -> list[ObjectFunction]:
        """Those that are no subprograms: all but ``.text``'s, unless it holds the only one (libbpf.c,
        prog_is_subprog; since 1.0 not even that)."""
        return [
            each for each in self.all if each.section != self.text or (len(self.all) == 1 and not self.strict)
        ]


def _tiled(symbols: list[Symbol], section: Section) -> list[ObjectFunction]:
    """As libbpf 0.3 finds them: each begins where the one before ends, and the first symbol there counts."""
    found, at = [], 0
    starts = {symbol.value: symbol for symbol in reversed(symbols)}
    while at < section.size:
        symbol = starts.get(at)
        if symbol is None:
            refuse(OpenStage.COLLECT, str(section), f"no function's symbol at offset {at:#x}")
        where = f"{section}, {symbol}"
        if at + symbol.size > section.size:
            refuse(
                OpenStage.COLLECT,
                where,
                f"function at {at:#x}+{symbol.size} crosses the section's end at {section.size:#x}",
            )
        if not symbol.size or symbol.size % SLOT:
            refuse(
                OpenStage.COLLECT,
                where,
                f"function at {at:#x}+{symbol.size} is empty or not whole instructions",
            )
        insns = decode(section.data[at : at + symbol.size], OBJECT_ORDER)
        found.append(
            ObjectFunction(symbol.name, section.index, at // SLOT, insns, symbol.binding != Binding.LOCAL)
        )
        at += symbol.size
    return found


def _functions(symbols: list[Symbol], section: Section, is_text: bool) -> list[ObjectFunction]:
    found, total = [], 0
    for symbol in symbols:
        at = f"{section}, {symbol}"
        if symbol.value + symbol.size > section.size:
            refuse(
                OpenStage.COLLECT,
                at,
                f"function at {symbol.value:#x}+{symbol.size} crosses the section's end at {section.size:#x}",
            )
        if not is_text and symbol.binding == Binding.LOCAL:
            refuse(OpenStage.COLLECT, at, "a static program is not supported")
        if not symbol.size or symbol.size % SLOT or symbol.value % SLOT:
            refuse(
                OpenStage.COLLECT,
                at,
                f"function at {symbol.value:#x}+{symbol.size} is empty or not whole instructions",
            )
        total += symbol.size
        if total > section.size:
            refuse(OpenStage.COLLECT, at, "functions overlap: they hold more instructions than the section")
        insns = decode(section.data[symbol.value : symbol.value + symbol.size], OBJECT_ORDER)
        found.append(
            ObjectFunction(
                symbol.name, section.index, symbol.value // SLOT, insns, symbol.binding != Binding.LOCAL
            )
        )
    found.sort(key=lambda each: each.start)
    for one, other in itertools.pairwise(found):
        if other.start < one.end:
            refuse(
                OpenStage.COLLECT,
                str(section),
                f"functions overlap: '{one.name}' and '{other.name}' at slot {other.start}",
            )
    return found
