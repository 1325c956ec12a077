"""Objects written: programs and maps as the ELF file that a compiler would have left (LLVM's BPF back end,
and Documentation/bpf/llvm_reloc.rst, Linux 6.12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ebpf.btf.map_types import lacks_types
from ebpf.byte_order import OBJECT_ORDER
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, encode
from ebpf.map_references import map_loads
from ebpf.maps import MapSpec, MapType
from ebpf.objects import elf
from ebpf.objects.elf import Binding, RelocationType, SectionType, SymbolType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.layout import Draft, Layout, Mark
from ebpf.objects.legacy_maps import DEFINITION
from ebpf.objects.parts import MapStyle, Part, Writing
from ebpf.objects.splitting import Piece, split
from ebpf.objects.written_types import WrittenTypes

CODE = elf.SHF_ALLOC | elf.SHF_EXECINSTR
DATA = elf.SHF_ALLOC | elf.SHF_WRITE
BPF_F_RDONLY_PROG = 1 << 7
_BOTH_WAYS = "is named by descriptor and by value, and an object names a map one way"


def write_object(parts: Sequence[Part], how: Writing | None = None) -> bytes:
    """The file.  Maps of equal name are one map.

    A map that programs address by value becomes a data section.  libbpf makes of every relocation against a
    data section an address in its value, and of every other against a map its descriptor (libbpf.c,
    bpf_program__record_reloc), so no object names one map both ways.  Raises
    :class:`ebpf.objects.errors.ObjectError` for what an object cannot say.
    """
    return _Writer(how or Writing()).write(parts)


class _Writer:
    def __init__(self, how: Writing) -> None:
        self.how = how
        self.layout = Layout()
        self.maps: dict[str, MapSpec] = {}
        self.sections: dict[str, str] = {}
        self.by_descriptor: set[str] = set()
        self.types = WrittenTypes()

    def write(self, parts: Sequence[Part]) -> bytes:
        self.layout.section(".text", flags=CODE, align=4)
        titles = {part.title for part in parts}
        if ".text" in titles:
            refuse(
                OpenStage.PROGRAMS, "section '.text'", "holds subprograms; a program needs another section"
            )
        for part in parts:
            self._program(part)
        self._definitions()
        if self.how.license is not None:
            self._variable("license", "_license", self.how.license.encode() + b"\0", DATA)
        if self.how.version is not None:
            self._variable("version", "_version", OBJECT_ORDER.layout("I").pack(self.how.version), DATA, 4)
        if self.types.used or self.how.debug:
            self.layout.section(".BTF", align=4).data += self.types.btf()
            if self.how.debug:
                self.layout.section(".BTF.ext", align=4).data += self.types.extension()
        return self.layout.build()

    def _variable(self, section: str, name: str, data: bytes, flags: int, align: int = 1) -> None:
        draft = self.layout.section(section, flags=flags, align=align)
        if any(mark.name == name for mark in self.layout.marks):
            refuse(OpenStage.MAPS, f"'{name}'", "a function or variable already has this name")
        self.layout.marks.append(Mark(name, section, SymbolType.OBJECT, len(draft.data), len(data)))
        draft.data += data

    def _program(self, part: Part) -> None:
        if part.program.kfuncs:
            refuse(
                OpenStage.PROGRAMS, f"program '{part.name}'", "calls kernel functions, which are not written"
            )
        pieces = split(part.program.instructions, f"program '{part.name}'")
        homes = self._place(part, pieces)
        for number, (piece, (draft, start)) in enumerate(zip(pieces, homes, strict=True)):
            insns = list(piece.instructions)
            for slot, called in piece.calls:
                insns[slot] = self._refer(
                    insns[slot], draft, start + 8 * slot, part.subprogram(called - 1), homes[called][1]
                )
            for slot, first in map_loads(piece.instructions):
                insns[slot], insns[slot + 1 : slot + 2] = self._load(
                    part, first, insns[slot + 1 : slot + 2], draft, start + 8 * slot
                )
            draft.data[start : start + 8 * len(insns)] = encode(insns, OBJECT_ORDER)
            if self.how.debug:
                name = part.subprogram(number - 1) if number else part.name
                lines = [line for line in part.lines if piece.start <= line.slot < piece.start + len(insns)]
                rows = [(start + 8 * (line.slot - piece.start), line) for line in lines]
                self.types.function(
                    name, draft.name, start, rows, is_global=not number or self.how.global_functions
                )

    def _place(self, part: Part, pieces: tuple[Piece, ...]) -> list[tuple[Draft, int]]:
        """Room and a symbol for each function: the first in the program's section, the others in
        ``.text``."""
        homes = []
        for number, piece in enumerate(pieces):
            draft = (
                self.layout.section(".text")
                if number
                else self.layout.section(part.title, flags=CODE, align=8)
            )
            start, size = len(draft.data), 8 * len(piece.instructions)
            binding = Binding.GLOBAL if not number or self.how.global_functions else Binding.LOCAL
            name = part.subprogram(number - 1) if number else part.name
            if any(mark.name == name for mark in self.layout.marks):
                refuse(OpenStage.PROGRAMS, f"program '{part.name}'", f"two functions are named '{name}'")
            self.layout.marks.append(Mark(name, draft.name, SymbolType.FUNC, start, size, binding))
            draft.data += bytes(size)
            homes.append((draft, start))
        return homes

    def _refer(self, insn: Insn, draft: Draft, at: int, name: str, goal: int) -> Insn:
        """A call, or the load of a function's address: against the function where it is global, else against
        its section."""
        kind = RelocationType.R_BPF_64_32 if insn.opcode != o.LD_IMM64 else RelocationType.R_BPF_64_64
        if self.how.global_functions:
            draft.relocations.append((at, kind, name))
            return replace(insn, imm=-1 if insn.opcode != o.LD_IMM64 else 0)
        draft.relocations.append((at, kind, ".text"))
        return replace(insn, imm=goal // 8 - 1 if insn.opcode != o.LD_IMM64 else goal)

    def _load(
        self, part: Part, first: Insn, second: list[Insn], draft: Draft, at: int
    ) -> tuple[Insn, list[Insn]]:
        if not 0 <= first.imm < len(part.program.maps):
            refuse(
                OpenStage.MAPS,
                f"program '{part.name}'",
                f"names map {first.imm}, and has {len(part.program.maps)}",
            )
        spec = part.program.maps[first.imm]
        by_value = first.src == o.PSEUDO_MAP_VALUE
        name = spec.name or f"map{first.imm}"
        spec = replace(spec, name=name)
        known = self.maps.setdefault(name, spec)
        if known != spec:
            refuse(OpenStage.MAPS, f"map '{name}'", "two maps have this name")
        if by_value != is_data(spec, by_value):
            refuse(OpenStage.MAPS, f"map '{name}'", "a data section is named by value, and nothing else is")
        symbol = data_section(spec) if by_value else name
        if by_value:
            self._data(spec)
        elif name in self.sections.values():
            refuse(OpenStage.MAPS, f"map '{name}'", _BOTH_WAYS)
        else:
            self.by_descriptor.add(name)
        draft.relocations.append((at, RelocationType.R_BPF_64_64, symbol))
        offset = second[0].imm if by_value and second else 0
        return replace(first, src=0, imm=offset), [replace(insn, imm=0) for insn in second]

    def _data(self, spec: MapSpec) -> None:
        if spec.name in self.by_descriptor:
            refuse(OpenStage.MAPS, f"map '{spec.name}'", _BOTH_WAYS)
        if spec.fields:
            refuse(OpenStage.MAPS, f"map '{spec.name}'", "special fields of global data are not written")
        section = data_section(spec)
        owner = self.sections.setdefault(section, spec.name)
        if owner != spec.name:
            refuse(OpenStage.MAPS, f"map '{spec.name}'", f"map '{owner}' already is section '{section}'")
        if section in self.layout.drafts:
            return
        kind = SectionType.NOBITS if section.startswith(".bss") else SectionType.PROGBITS
        draft = self.layout.section(
            section, kind, elf.SHF_ALLOC if spec.flags & BPF_F_RDONLY_PROG else DATA, 8
        )
        draft.data += spec.contents[0][1] if spec.contents else bytes(spec.value_size)

    def _definitions(self) -> None:
        """Maps in the order in which programs name them."""
        specs = [spec for spec in self.maps.values() if spec.name not in self.sections.values()]
        if not specs:
            return
        if self.how.maps is MapStyle.LEGACY:
            for spec in specs:
                words = (spec.type, spec.key_size, spec.value_size, spec.max_entries, spec.flags)
                if spec.inner is not None:
                    refuse(OpenStage.MAPS, f"map '{spec.name}'", "a legacy definition has no inner map")
                if lacks_types(spec):
                    refuse(OpenStage.MAPS, f"map '{spec.name}'", "a legacy definition has no types")
                self._variable("maps", spec.name, DEFINITION.pack(*words), DATA, 4)
            return
        for spec in specs:
            size = self.types.map(spec, typed=self.how.maps is MapStyle.TYPES)
            self._variable(".maps", spec.name, bytes(size), DATA, 8)
        self.types.maps_done()


def data_section(spec: MapSpec) -> str:
    """``.rodata`` for ``hello.rodata``; ``.data.out`` for a map of any other name, which libbpf takes since
    0.6."""
    for name in (".rodata", ".data", ".bss"):
        stem, dot, rest = spec.name.partition(name)
        if dot and not rest:
            return name
        if dot and not stem:
            return spec.name
    return (".rodata." if spec.flags & BPF_F_RDONLY_PROG else ".data.") + spec.name


def is_data(spec: MapSpec, by_value: bool) -> bool:
    """Whether a map that is named by value can be a section."""
    return by_value and (spec.type, spec.key_size, spec.max_entries) == (MapType.ARRAY, 4, 1)
