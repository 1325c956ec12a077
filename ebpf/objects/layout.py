"""Sections, symbols and relocations laid out as bytes: an ELF container written (``ET_REL``, ``EM_BPF``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ebpf.objects import elf
from ebpf.objects.elf import Binding, RelocationType, SectionType, SymbolType


@dataclass(slots=True)
class Draft:
    """A section being written; ``relocations`` are (offset, type, symbol)."""

    name: str
    type: int = SectionType.PROGBITS
    flags: int = 0
    align: int = 1
    data: bytearray = field(default_factory=bytearray)
    relocations: list[tuple[int, RelocationType, str]] = field(default_factory=list)
    entry_size: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A symbol: a name at ``value`` of a section."""

    name: str
    section: str
    type: SymbolType
    value: int
    size: int
    binding: Binding = Binding.GLOBAL


class Layout:
    """Sections in the order in which they were asked for, as a compiler writes them: names and symbols in one
    ``.strtab``."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self.marks: list[Mark] = []

    def section(self, name: str, kind: int = SectionType.PROGBITS, flags: int = 0, align: int = 1) -> Draft:
        """The section of that name, made if it is new."""
        return self.drafts.setdefault(name, Draft(name, kind, flags, align))

    def build(self) -> bytes:
        """The file."""
        names = _Names()
        symbols, numbers = self._symbols(names)
        drafts = [Draft("", SectionType.NULL), *self.drafts.values()]
        index = {draft.name: number for number, draft in enumerate(drafts)}
        links: dict[str, tuple[int, int]] = {}
        table = len(drafts) + sum(bool(draft.relocations) for draft in drafts)
        for draft in list(self.drafts.values()):
            if draft.relocations:
                rows = bytearray().join(
                    elf.REL.pack(at, numbers[symbol] << 32 | kind) for at, kind, symbol in draft.relocations
                )
                drafts.append(
                    Draft(".rel" + draft.name, SectionType.REL, 0, 8, rows, entry_size=elf.REL.size)
                )
                links[".rel" + draft.name] = (table, index[draft.name])
        packed = bytearray().join(
            elf.SYM.pack(
                names.offset(mark.name),
                mark.binding << 4 | mark.type,
                0,
                index.get(mark.section, 0),
                mark.value,
                mark.size,
            )
            for mark in symbols
        )
        drafts.append(Draft(".symtab", SectionType.SYMTAB, 0, 8, packed, entry_size=elf.SYM.size))
        local = sum(mark.binding is Binding.LOCAL for mark in symbols)
        links[".symtab"] = (len(drafts), local)
        drafts.append(Draft(".strtab", SectionType.STRTAB))
        for draft in drafts:
            names.offset(draft.name)
        drafts[-1].data = names.data
        return _file(drafts, links, names)

    def _symbols(self, names: _Names) -> tuple[list[Mark], dict[str, int]]:
        """Locals first, as the ABI wants, and the section symbols that relocations name."""
        wanted = {symbol for draft in self.drafts.values() for _, _, symbol in draft.relocations}
        sections = [
            Mark("", name, SymbolType.SECTION, 0, 0, Binding.LOCAL) for name in self.drafts if name in wanted
        ]
        local = [mark for mark in self.marks if mark.binding is Binding.LOCAL]
        others = [mark for mark in self.marks if mark.binding is not Binding.LOCAL]
        every = [Mark("", "", SymbolType.NOTYPE, 0, 0, Binding.LOCAL), *sections, *local, *others]
        numbers = {mark.name or mark.section: number for number, mark in enumerate(every)}
        return every, numbers


class _Names:
    def __init__(self) -> None:
        self.data = bytearray(1)
        self._offsets = {"": 0}

    def offset(self, name: str) -> int:
        if name not in self._offsets:
            self._offsets[name] = len(self.data)
            self.data += name.encode() + b"\0"
        return self._offsets[name]


def _file(drafts: list[Draft], links: dict[str, tuple[int, int]], names: _Names) -> bytes:
    body, heads, at = bytearray(), bytearray(), elf.EHDR.size
    for draft in drafts:
        padding = -at % draft.align
        body += bytes(padding)
        at += padding
        link, info = links.get(draft.name, (0, 0))
        offset = at if draft.name else 0
        align = draft.align if draft.name else 0
        heads += elf.SHDR.pack(
            names.offset(draft.name),
            draft.type,
            draft.flags,
            0,
            offset,
            len(draft.data),
            link,
            info,
            align,
            draft.entry_size,
        )
        if draft.type != SectionType.NOBITS:
            body += draft.data
            at += len(draft.data)
    padding = -at % 8
    ident = elf.MAGIC + bytes([elf.CLASS64, elf.DATA2LSB, elf.EV_CURRENT]) + bytes(9)
    header = elf.EHDR.pack(
        ident,
        elf.ET_REL,
        elf.EM_BPF,
        elf.EV_CURRENT,
        0,
        0,
        at + padding,
        0,
        elf.EHDR.size,
        0,
        0,
        elf.SHDR.size,
        len(drafts),
        len(drafts) - 1,
    )
    return bytes(header + body + bytes(padding) + heads)
