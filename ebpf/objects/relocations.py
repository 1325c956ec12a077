"""Relocations: what each patched instruction refers to (libbpf 1.4, libbpf.c: bpf_object__collect_prog_relos,
bpf_program__record_reloc)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.objects.collected import Collected
from ebpf.objects.elf import SHN_LORESERVE, SHN_UNDEF, Binding, RelocationType, SectionType, SymbolType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.externs import is_extern
from ebpf.objects.file import ElfFile, Relocation, Section, Symbol
from ebpf.objects.functions import SLOT, Functions
from ebpf.objects.generation import Generation
from ebpf.objects.object import Extern, ObjectMap


class Target(Enum):
    """What an instruction refers to: libbpf's RELO_LD64, RELO_DATA, RELO_CALL, RELO_SUBPROG_ADDR and
    RELO_EXTERN_*."""

    MAP = "map"
    DATA = "data"
    CALL = "call"
    FUNCTION_ADDRESS = "function address"
    EXTERN = "extern"


@dataclass(frozen=True, slots=True)
class Reference:
    """``index``: of the map or extern; ``offset``: the symbol's value."""

    target: Target
    index: int = 0
    offset: int = 0


References = dict[tuple[int, int], Reference]
"""By (section, slot)."""

CALL = o.CALL | o.JMP
KNOWN = frozenset({
    RelocationType.R_BPF_64_64, RelocationType.R_BPF_64_32, RelocationType.R_BPF_64_ABS64,
    RelocationType.R_BPF_64_ABS32,
    RelocationType.R_BPF_64_NODYLD32,
})  # fmt: skip


def collect_references(
    file: ElfFile,
    found: Collected,
    functions: Functions,
    maps: list[ObjectMap],
    externs: list[Extern],
    generation: Generation,
) -> References:
    """Raises :class:`ebpf.objects.errors.ObjectError`."""
    references: References = {}
    homes = {(each.section, each.offset): number for number, each in reversed(list(enumerate(maps)))}
    tables = _Tables(
        file,
        found,
        functions,
        homes,
        {each.symbol: number for number, each in enumerate(externs)},
        generation,
    )
    for section in found.relocations:
        target = file.sections[section.info]
        for number, relocation in enumerate(file.relocations(section)):
            at = f"{section}, relocation {number}"
            symbol = _symbol(file, relocation, at)
            if target.name in (".maps", "maps"):
                # The slots of a map-in-map or prog-array; they are filled after loading.
                continue
            if relocation.offset % SLOT or relocation.offset >= target.size:
                refuse(
                    OpenStage.RELOCATIONS,
                    f"{at}, r_offset",
                    f"{relocation.offset:#x} is no instruction of {target}",
                )
            slot = relocation.offset // SLOT
            function = functions.at(target.index, slot)
            if function is None and not generation.programs_by_symbol:
                refuse(OpenStage.RELOCATIONS, at, f"no program holds slot {slot} of {target}")
            if function is None:
                found.notes.append(f"{at}: no function there")
                continue
            if (target.index, slot) in references:
                refuse(OpenStage.RELOCATIONS, at, f"slot {slot} of {target} is relocated twice")
            insn = function.instructions[slot - function.start]
            references[target.index, slot] = tables.reference(
                insn, symbol, f"{at} against {_named(symbol, file)}, slot {slot}"
            )
    return references


def _symbol(file: ElfFile, relocation: Relocation, at: str) -> Symbol:
    if relocation.type not in KNOWN:
        refuse(OpenStage.RELOCATIONS, f"{at}, r_info", f"type {relocation.type} is no R_BPF_* of LLVM")
    if relocation.symbol >= len(file.symbols):
        refuse(
            OpenStage.RELOCATIONS,
            f"{at}, r_info",
            f"symbol {relocation.symbol} does not exist: there are {len(file.symbols)}",
        )
    symbol = file.symbols[relocation.symbol]
    if symbol.section >= len(file.sections):
        refuse(
            OpenStage.RELOCATIONS, f"{at}, {symbol}, st_shndx", f"section {symbol.section:#x} does not exist"
        )
    return symbol


def _named(symbol: Symbol, file: ElfFile) -> str:
    return f"'{symbol.name or file.sections[symbol.section].name}'"


@dataclass(frozen=True, slots=True)
class _Tables:
    """What symbols may refer to."""

    file: ElfFile
    found: Collected
    functions: Functions
    maps: dict[tuple[int, int], int]
    externs: dict[int, int]
    generation: Generation

    def reference(self, insn: Insn, symbol: Symbol, at: str) -> Reference:
        if insn.opcode not in (CALL, o.LD_IMM64):
            refuse(
                OpenStage.RELOCATIONS,
                at,
                f"opcode {insn.opcode:#04x} takes no relocation: neither a call nor a 64-bit load",
            )
        if is_extern(symbol):
            if symbol.index not in self.externs:
                refuse(OpenStage.RELOCATIONS, at, "an extern without a name")
            return Reference(Target.EXTERN, self.externs[symbol.index])
        if insn.opcode == CALL:
            return self._call(insn, symbol, at)
        if symbol.section == SHN_UNDEF or symbol.section >= SHN_LORESERVE:
            refuse(
                OpenStage.RELOCATIONS,
                at,
                f"special section {symbol.section:#x}; forgot to initialize global var?",
            )
        if self.generation.function_addresses and self._is_function(symbol):
            if symbol.value % SLOT or insn.imm % SLOT:
                refuse(
                    OpenStage.RELOCATIONS,
                    at,
                    f"function address at {symbol.value}+{insn.imm} is no instruction",
                )
            return Reference(Target.FUNCTION_ADDRESS, offset=symbol.value)
        section = self.file.sections[symbol.section]
        return self._data(symbol) if section.index in self.found.data else self._map(symbol, section, at)

    def _call(self, insn: Insn, symbol: Symbol, at: str) -> Reference:
        if insn.src != o.CALL_LOCAL:
            refuse(
                OpenStage.RELOCATIONS, at, f"incorrect call: its src is {insn.src}, not BPF_PSEUDO_CALL (1)"
            )
        if symbol.section == SHN_UNDEF or symbol.section != self.functions.text:
            refuse(
                OpenStage.RELOCATIONS, at, f"a call to what is not in .text but in section {symbol.section}"
            )
        if symbol.value % SLOT:
            refuse(OpenStage.RELOCATIONS, at, f"a call to offset {symbol.value:#x}, which is no instruction")
        return Reference(Target.CALL, offset=symbol.value)

    def _is_function(self, symbol: Symbol) -> bool:
        """``sym_is_subprog``: a global function of .text, or its section symbol."""
        if symbol.section != self.functions.text:
            return False
        local = symbol.binding == Binding.LOCAL and symbol.type == SymbolType.SECTION
        return local or (symbol.binding == Binding.GLOBAL and symbol.type == SymbolType.FUNC)

    def _map(self, symbol: Symbol, section: Section, at: str) -> Reference:
        homes = [home.index for home in (self.found.legacy_maps, self.found.btf_maps) if home]
        if section.index not in homes:
            empty = " (empty)" if section.type == SectionType.NOBITS and not section.size else ""
            refuse(OpenStage.RELOCATIONS, at, f"bad map relocation: {section}{empty} holds no maps")
        if (section.index, symbol.value) in self.maps:
            return Reference(Target.MAP, self.maps[section.index, symbol.value])
        refuse(OpenStage.RELOCATIONS, at, f"no map at offset {symbol.value:#x} of {section}")

    def _data(self, symbol: Symbol) -> Reference:
        return Reference(Target.DATA, self.maps[symbol.section, 0], symbol.value)
