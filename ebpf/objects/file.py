"""The ELF container read: header, sections, symbols, relocations, every bound checked before it is used.

What libelf checks on the way to libbpf is checked here too (elfutils 0.188, elf_begin.c, elf_getdata.c,
elf_strptr.c); where this reader asks for more, :mod:`ebpf.objects.strictness` says why.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ebpf.objects import elf
from ebpf.objects.elf import SectionType
from ebpf.objects.errors import OpenStage, refuse

MAX_FILE = 4 << 20
"""Bytes. An object with full debugging information has under two million; the limit bounds memory."""
MAX_TEXT = 16 << 20
"""Bytes of names in all: names may overlap, and so be far more than the table that holds them."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section; ``data`` is empty for one that takes no bytes of the file."""

    index: int
    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    entry_size: int
    data: bytes

    @property
    def executable(self) -> bool:
        """Whether it holds instructions."""
        return bool(self.flags & elf.SHF_EXECINSTR)

    def __str__(self) -> str:
        return f"section {self.index} '{self.name}'"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol; ``section`` is st_shndx, also the reserved ones."""

    index: int
    name: str
    binding: int
    type: int
    visibility: int
    section: int
    value: int
    size: int

    def __str__(self) -> str:
        return f"symbol {self.index} '{self.name}'"


@dataclass(frozen=True, slots=True)
class Relocation:
    """One entry of a SHT_REL section: patch ``offset`` of the target section with what ``symbol`` (an index)
    says."""

    offset: int
    type: int
    symbol: int


@dataclass(frozen=True, slots=True)
class ElfFile:
    """All sections (the null one too) and symbols in their order."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    symbol_table: int

    def relocations(self, section: Section) -> tuple[Relocation, ...]:
        """Those of a SHT_REL section."""
        return tuple(
            Relocation(offset, info & 0xFFFFFFFF, info >> 32)
            for offset, info in elf.REL.iter_unpack(section.data)
        )


def check_header(data: bytes) -> None:
    """``bpf_object__elf_init`` and ``bpf_object__check_endianness`` (libbpf 1.4)."""
    init, header = OpenStage.ELF_INIT, "ELF header"
    if len(data) > MAX_FILE:
        refuse(init, "file", f"{len(data)} bytes; this reader takes up to {MAX_FILE}")
    if data[:4] != elf.MAGIC:
        refuse(init, header, "no ELF magic: not an object file")
    if len(data) < elf.EHDR.size:
        refuse(init, header, f"truncated: {len(data)} bytes of {elf.EHDR.size}")
    if data[4] != elf.CLASS64:
        refuse(init, f"{header}, e_ident[EI_CLASS]", f"{data[4]} is not ELFCLASS64 (2)")
    if data[5] not in (elf.DATA2LSB, elf.DATA2MSB):
        refuse(init, f"{header}, e_ident[EI_DATA]", f"{data[5]} is no byte order")
    if data[6] != elf.EV_CURRENT:
        refuse(init, f"{header}, e_ident[EI_VERSION]", f"{data[6]} is not EV_CURRENT (1)")
    if data[5] == elf.DATA2MSB:
        refuse(
            OpenStage.ENDIANNESS,
            f"{header}, e_ident[EI_DATA]",
            "big-endian; only little-endian objects are supported",
        )
    _, kind, machine, version, *_ = elf.EHDR.unpack_from(data)
    if kind != elf.ET_REL:
        refuse(init, f"{header}, e_type", f"{kind} is not ET_REL (1): not a relocatable object")
    if machine not in (elf.EM_NONE, elf.EM_BPF):
        refuse(init, f"{header}, e_machine", f"{machine} is not EM_BPF (247): compiled for another machine")
    if version != elf.EV_CURRENT:
        refuse(init, f"{header}, e_version", f"{version} is not EV_CURRENT (1)")


def read_elf(data: bytes) -> ElfFile:
    """The container.  Raises :class:`ebpf.objects.errors.ObjectError`."""
    check_header(data)
    heads, names_at = _headers(data)
    _check_overlaps(data, heads)
    names = _Strings(data, heads, names_at, OpenStage.ELF_INIT, "e_shstrndx")
    sections = []
    for index, (name, kind, flags, _, offset, size, link, info, _, entry) in enumerate(heads):
        text = names.at(name, f"section {index}, sh_name")
        body = b"" if kind == SectionType.NOBITS or not index else data[offset : offset + size]
        sections.append(Section(index, text, kind, flags, offset, size, link, info, entry, body))
    tables = [section for section in sections if section.type == SectionType.SYMTAB]
    if len(tables) != 1:
        refuse(
            OpenStage.COLLECT,
            "symbol table",
            "none: stripped object file?" if not tables else f"{len(tables)} of them; one is allowed",
        )
    return ElfFile(tuple(sections), _symbols(data, heads, tables[0]), tables[0].index)


_Head = tuple[int, int, int, int, int, int, int, int, int, int]


def _headers(data: bytes) -> tuple[list[_Head], int]:
    _, _, _, _, _, _, start, _, _, _, _, size, count, names = elf.EHDR.unpack_from(data)
    at = "ELF header"
    if start == 0:
        refuse(OpenStage.ELF_INIT, f"{at}, e_shoff", "no section headers")
    if size != elf.SHDR.size:
        refuse(OpenStage.ELF_INIT, f"{at}, e_shentsize", f"{size} is not {elf.SHDR.size}")
    if count == 0:
        refuse(OpenStage.ELF_INIT, f"{at}, e_shnum", "no sections")
    if start + count * size > len(data):
        refuse(
            OpenStage.ELF_INIT,
            f"{at}, e_shoff",
            f"{count} section headers at {start:#x} leave the file of {len(data)} bytes",
        )
    heads: list[_Head] = [elf.SHDR.unpack_from(data, start + number * size) for number in range(count)]
    if not 0 < names < count:
        refuse(OpenStage.ELF_INIT, f"{at}, e_shstrndx", f"{names} is no section: there are {count}")
    return heads, names


def _check_overlaps(data: bytes, heads: list[_Head]) -> None:
    """Every section's bytes lie in the file, and belong to it alone."""
    taken = []
    for index, head in enumerate(heads):
        kind, flags, offset, size, entry = head[1], head[2], head[4], head[5], head[9]
        if kind == SectionType.NOBITS or not index:
            continue
        if size and offset + size > len(data):
            refuse(
                OpenStage.COLLECT,
                f"section {index}, sh_offset, sh_size",
                f"{offset:#x}+{size:#x} leaves the file of {len(data)} bytes",
            )
        if flags & elf.SHF_COMPRESSED:
            refuse(OpenStage.COLLECT, f"section {index}, sh_flags", "compressed")
        wanted = (
            {SectionType.SYMTAB: elf.SYM.size, SectionType.REL: elf.REL.size}.get(SectionType(kind))
            if kind in _KNOWN
            else None
        )
        if wanted and (entry != wanted or size % wanted):
            refuse(
                OpenStage.COLLECT,
                f"section {index}, sh_entsize",
                f"{size} bytes of entries of {entry}; one takes {wanted}",
            )
        if size:
            taken.append((offset, offset + size, index))
    taken.sort()
    for (_, end, one), (start, _, other) in itertools.pairwise(taken):
        if start < end:
            refuse(OpenStage.COLLECT, f"sections {one} and {other}", f"overlap at {start:#x}")


_KNOWN = frozenset(SectionType)


class _Strings:
    """A string table; ``elf_strptr`` of libelf with a bound on how much is read in all."""

    def __init__(self, data: bytes, heads: list[_Head], index: int, stage: OpenStage, at: str) -> None:
        if not 0 < index < len(heads):
            refuse(stage, at, f"{index} is no section: there are {len(heads)}")
        head = heads[index]
        if head[1] != SectionType.STRTAB:
            refuse(stage, at, f"section {index} is no string table")
        self._table = data[head[4] : head[4] + head[5]]
        self._decoded = {} if self._table else {0: ""}
        self._left = MAX_TEXT

    def at(self, offset: int, place: str) -> str:
        if offset in self._decoded:
            return self._decoded[offset]
        if offset >= len(self._table):
            refuse(
                OpenStage.COLLECT,
                place,
                f"offset {offset} is beyond the string table's {len(self._table)} bytes",
            )
        end = self._table.find(b"\0", offset)
        if end < 0:
            refuse(OpenStage.COLLECT, place, f"the string at offset {offset} has no end")
        self._left -= end - offset
        if self._left < 0:
            refuse(OpenStage.COLLECT, place, f"more than {MAX_TEXT} bytes of overlapping names")
        return self._decoded.setdefault(offset, self._table[offset:end].decode("utf-8", "backslashreplace"))


def _symbols(data: bytes, heads: list[_Head], table: Section) -> tuple[Symbol, ...]:
    names = _Strings(data, heads, table.link, OpenStage.COLLECT, f"{table}, sh_link")
    symbols = []
    for index, (name, info, other, section, value, size) in enumerate(elf.SYM.iter_unpack(table.data)):
        text = names.at(name, f"symbol {index}, st_name")
        symbols.append(Symbol(index, text, info >> 4, info & 15, other & 3, section, value, size))
    return tuple(symbols)
