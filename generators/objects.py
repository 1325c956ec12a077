"""Objects from generated programs, and the same with one field broken, each with the name of what was broken.

A broken field need not make an object bad (a section's type may change to another that fits as well): what is
known is only that nothing else was changed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ebpf.btf import types as btf
from ebpf.btf.map_types import lacks_types
from ebpf.isa.insn import Insn
from ebpf.objects import elf
from ebpf.objects.file import ElfFile, Section, read_elf
from ebpf.objects.object import SourceLine
from ebpf.objects.parts import MapStyle, Part, Writing
from ebpf.objects.writer import write_object
from ebpf.program import Program
from generators.dice import Dice
from generators.profiles import Profile
from generators.programs import build
from generators.settings import SETTINGS

PROFILE = Profile(settings=SETTINGS[:2], near_misses_in=0, daring_in=0)
"""What programs do matters little here; section names of all types are asked for by themselves."""


@dataclass(frozen=True, slots=True)
class GeneratedObject:
    """A file, and what went into it."""

    data: bytes
    parts: tuple[Part, ...]
    how: Writing


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """A file to be read.

    ``broken`` says what was changed in it: a field by its name in the specification, where it is, and its
    values; ``field`` the same without places and values.  Both are "" for one that is well-formed.
    """

    data: bytes
    broken: str = ""
    field: str = ""


def well_formed(header: int, seeds: Sequence[Sequence[int]], profile: Profile = PROFILE) -> GeneratedObject:
    """An object with a program for each list of ``seeds``; ``header`` chooses the rest."""
    dice = Dice(header)
    legacy = dice.pick(4) == 0
    old = legacy or dice.pick(2) == 0
    style = MapStyle.LEGACY if legacy else dice.of((MapStyle.SIZES, MapStyle.TYPES))
    how = Writing(
        style,
        dice.of(("GPL", "GPL", "Dual BSD/GPL", "Proprietary", None)),
        dice.of((None, None, 0x060C00)),
        debug=dice.pick(2) == 1,
        global_functions=dice.pick(2) == 1,
    )
    parts = tuple(
        _part(number, dice.pick(1 << 64), own, profile, old, dice) for number, own in enumerate(seeds)
    )
    if legacy and any(_too_new(part.program) for part in parts):
        how = replace(how, maps=MapStyle.SIZES)
    if any(insn.loads_function for part in parts for insn in part.program.instructions):
        # A callback has a type, and is static (kernel/bpf/verifier.c, check_ld_imm).
        how = replace(how, debug=True, global_functions=False)
    return GeneratedObject(write_object(parts, how), parts, how)


def _too_new(program: Program) -> bool:
    """Whether no libbpf that reads legacy definitions reads it: these have no inner map, a lock in a map's
    value is found by its type, and functions have addresses since libbpf 0.4."""
    return any(spec.inner is not None or lacks_types(spec) for spec in program.maps) or any(
        insn.loads_function for insn in program.instructions
    )


def _part(number: int, header: int, seeds: Sequence[int], profile: Profile, old: bool, dice: Dice) -> Part:
    program = build(header, seeds, replace(profile, kernel_functions=False)).case.program
    # Maps belong to the object, so each program's have names of their own; old libbpf knows only one section
    # of data.
    names = [
        ".data" if old and not number and spec.name == "out" else f"{spec.name}_{number}"
        for spec in program.maps
    ]
    maps = tuple(replace(spec, name=name) for spec, name in zip(program.maps, names, strict=True))
    lines = tuple(
        SourceLine(slot, "generated.c", 1 + slot, 1, f"line {slot};")
        for slot in range(0, len(program.instructions), 3)
    )
    if old and number:
        program, maps, lines = Program(program.type, (Insn(0xB7), Insn(0x95))), (), lines[:1]
    return Part(
        f"prog_{number}", replace(program, maps=maps, license="GPL"), lines=lines if dice.pick(2) else ()
    )


Place = tuple[str, int, str]
"""What is there, its offset in the file, its struct code."""


def break_object(data: bytes, dice: Dice) -> ObjectFile:
    """One field of a well-formed object changed: its kind is drawn first, so that the many symbols hide
    nothing."""
    _, change = dice.of(BREAKAGES)
    return change(data, read_elf(data), dice) or _truncate(data, read_elf(data), dice)


_PLACE = re.compile(r" of '[^']*'| '[^']*'| \d+")
"""What a field's name says of the section, symbol or word it is in."""


def places(file: ElfFile, data: bytes) -> Iterator[Place]:
    """Every field of header, section headers, symbols, relocations, definitions and BTF."""
    for each in (
        header_places,
        section_places,
        symbol_places,
        relocation_places,
        definition_places,
        btf_places,
    ):
        yield from each(file, data)


def _fields(at: int, layout: str, names: str, what: str) -> Iterator[Place]:
    offset = at
    for code, name in zip(layout, names.split(), strict=True):
        if name != "-":
            yield f"{what}, {name}", offset, code
        offset += struct.calcsize("<" + code)


def header_places(file: ElfFile, data: bytes) -> Iterator[Place]:
    """The ELF header's fields."""
    yield from _fields(0, "IBBBB", "magic ei_class ei_data ei_version ei_osabi", "e_ident")
    names = (
        "e_type e_machine e_version e_entry e_phoff e_shoff e_flags e_ehsize e_phentsize e_phnum e_shentsize"
    )
    names += " e_shnum e_shstrndx"
    yield from _fields(16, "HHIQQQIHHHHHH", names, "ELF header")


def section_places(file: ElfFile, data: bytes) -> Iterator[Place]:
    """Of each section header."""
    (start,) = struct.unpack_from("<Q", data, 40)
    names = "sh_name sh_type sh_flags sh_addr sh_offset sh_size sh_link sh_info sh_addralign sh_entsize"
    for section in file.sections[1:]:
        yield from _fields(
            start + section.index * elf.SHDR.size, "IIQQQQIIQQ", names, f"section '{section.name}'"
        )


def symbol_places(file: ElfFile, data: bytes) -> Iterator[Place]:
    """Of each symbol."""
    table = file.sections[file.symbol_table]
    for symbol in file.symbols[1:]:
        at = table.offset + symbol.index * elf.SYM.size
        yield from _fields(
            at, "IBBHQQ", "st_name st_info st_other st_shndx st_value st_size", f"symbol '{symbol.name}'"
        )


def relocation_places(file: ElfFile, data: bytes) -> Iterator[Place]:
    """Of each relocation: r_info's two halves apart."""
    for section in file.sections:
        if section.type == elf.SectionType.REL:
            for at in range(section.offset, section.offset + section.size, elf.REL.size):
                yield from _fields(
                    at, "QII", "r_offset r_info.type r_info.sym", f"relocation of '{section.name}'"
                )


def definition_places(file: ElfFile, data: bytes) -> Iterator[Place]:
    """Words of legacy map definitions, bytes of licence and version, and of instructions that are
    relocated."""
    for section in _named(file, "maps"):
        for at in range(section.offset, section.offset + section.size, 20):
            yield from _fields(
                at, "IIIII", "type key_size value_size max_entries map_flags", "struct bpf_map_def"
            )
    for section in _named(file, "license", "version"):
        yield f"section '{section.name}', last byte", section.offset + section.size - 1, "B"
    for section in file.sections:
        if section.type == elf.SectionType.REL:
            home = file.sections[section.info]
            for relocation in file.relocations(section):
                at = home.offset + relocation.offset
                yield from _fields(
                    at, "BBHi", "opcode regs off imm", f"relocated instruction of '{home.name}'"
                )


def btf_places(file: ElfFile, data: bytes) -> Iterator[Place]:
    """Headers of both sections, and every word of theirs: types, entries, records."""
    for section in _named(file, ".BTF"):
        names = "magic version flags hdr_len type_off type_len str_off str_len"
        yield from _fields(section.offset, "HBBIIIII", names, "BTF header")
        (size,) = struct.unpack_from("<I", data, section.offset + 12)
        start = section.offset + btf.HEADER.size
        size = min(size, section.size - btf.HEADER.size)  # what was broken before may say anything
        for number, at in enumerate(range(start, start + size, 4)):
            yield f"BTF types, word {number}", at, "I"
        yield "BTF strings, first byte", start + size, "B"
        yield "BTF strings, last byte", section.offset + section.size - 1, "B"
    for section in _named(file, ".BTF.ext"):
        for number, at in enumerate(range(section.offset, section.offset + section.size, 4)):
            yield f"BTF.ext, word {number}", at, "I"


def _named(file: ElfFile, *names: str) -> Iterator[Section]:
    return (section for section in file.sections if section.name in names and section.size)


def _change(
    which: Callable[[ElfFile, bytes], Iterator[Place]],
) -> Callable[[bytes, ElfFile, Dice], ObjectFile | None]:
    def change(data: bytes, file: ElfFile, dice: Dice) -> ObjectFile | None:
        found = list(which(file, data))
        if not found:
            return None
        name, at, code = dice.of(found)
        size = struct.calcsize("<" + code)
        old = int.from_bytes(data[at : at + size], "little")
        values = (
            0,
            1,
            old + 1,
            old - 1,
            old + 8,
            old ^ (1 << dice.pick(8 * size)),
            old * 2,
            len(data),
            0x7FFFFFFF,
            -1,
            dice.pick(1 << 16),
        )
        new = dice.of(values) % (1 << 8 * size)
        if new == old:
            new = (old + 1) % (1 << 8 * size)
        changed = data[:at] + new.to_bytes(size, "little") + data[at + size :]
        return ObjectFile(changed, f"{name}: {old:#x} became {new:#x}", _PLACE.sub("", name))

    return change


def _truncate(data: bytes, file: ElfFile, dice: Dice) -> ObjectFile:
    size = dice.pick(len(data))
    return ObjectFile(data[:size], f"file: cut at {size} of {len(data)}", "file, length")


def _swap_sections(data: bytes, file: ElfFile, dice: Dice) -> ObjectFile | None:
    """Two section headers change places, which indices do not follow."""
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count = elf.SHDR.size, len(file.sections)
    one, other = 1 + dice.pick(count - 1), 1 + dice.pick(count - 1)
    if one == other:
        return None
    heads = [data[start + n * size : start + (n + 1) * size] for n in range(count)]
    heads[one], heads[other] = heads[other], heads[one]
    changed = data[:start] + b"".join(heads) + data[start + count * size :]
    return ObjectFile(changed, f"sections {one} and {other}: swapped", "sections, order")


BREAKAGES: tuple[tuple[str, Callable[[bytes, ElfFile, Dice], ObjectFile | None]], ...] = (
    ("header", _change(header_places)),
    ("section", _change(section_places)),
    ("symbol", _change(symbol_places)),
    ("relocation", _change(relocation_places)),
    ("definition", _change(definition_places)),
    ("btf", _change(btf_places)),
    ("length", _truncate),
    ("order", _swap_sections),
)
"""Kinds of breaking; each is as likely as another, however many fields it has."""
