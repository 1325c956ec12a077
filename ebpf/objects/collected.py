"""The sections of a file by what they are for (libbpf.c, bpf_object__elf_collect; libbpf 1.4 and 0.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ebpf.byte_order import OBJECT_ORDER
from ebpf.objects.elf import SectionType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import ElfFile, Section
from ebpf.objects.generation import Generation
from ebpf.objects.object import MapOrigin

LICENSE_SIZE = 64
"""``bpf_object.license`` with its zero byte."""


@dataclass(slots=True)
class Collected:
    """What the loader goes on with; ``license`` is empty when there is none, and the programs then are not
    GPL."""

    license: str = ""
    version: int | None = None
    legacy_maps: Section | None = None
    btf_maps: Section | None = None
    btf: Section | None = None
    btf_ext: Section | None = None
    text: Section | None = None
    programs: list[Section] = field(default_factory=list)
    data: dict[int, MapOrigin] = field(default_factory=dict)
    relocations: list[Section] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def collect(file: ElfFile, generation: Generation) -> Collected:
    """Raises :class:`ebpf.objects.errors.ObjectError`."""
    found = Collected()
    for section in file.sections[1:]:
        _place(section, file, found, generation)
    return found


def _place(section: Section, file: ElfFile, found: Collected, generation: Generation) -> None:
    """One section; the first line that fits wins, as in libbpf."""
    if _ignored(section):
        return
    match section.name:
        case "license":
            if not section.data and generation.strict_sections:
                refuse(OpenStage.COLLECT, str(section), "empty")
            found.license = (
                section.data[: LICENSE_SIZE - 1].split(b"\0")[0].decode("ascii", "backslashreplace")
            )
        case "version":
            if len(section.data) != 4:
                refuse(OpenStage.COLLECT, str(section), f"{len(section.data)} bytes; a version takes 4")
            (found.version,) = OBJECT_ORDER.layout("I").unpack(section.data)
        case "maps":
            if not generation.legacy_maps:
                refuse(
                    OpenStage.COLLECT,
                    str(section),
                    "legacy map definitions in 'maps' section are not supported by libbpf v1.0+",
                )
            found.legacy_maps = section
        case ".struct_ops" | ".struct_ops.link":
            # libbpf fills them from the running kernel's types, which no file has; other programs do without.
            found.notes.append(f"{section}: struct_ops maps are not made")
        case ".maps":
            found.btf_maps = section
        case ".BTF" | ".BTF.ext":
            if section.type != SectionType.PROGBITS:
                refuse(OpenStage.COLLECT, f"{section}, sh_type", f"{section.type} is not SHT_PROGBITS (1)")
            if section.name == ".BTF":
                found.btf = section
            else:
                found.btf_ext = section
        case _:
            _by_type(section, file, found, generation)


def _by_type(section: Section, file: ElfFile, found: Collected, generation: Generation) -> None:
    origin = _data_origin(section, generation)
    if section.type == SectionType.SYMTAB:
        pass
    elif section.type == SectionType.PROGBITS and section.size and section.executable:
        if section.name == ".text":
            found.text = section
        found.programs.append(section)
    elif origin is not None:
        found.data[section.index] = origin
    elif section.type == SectionType.REL:
        if section.info >= len(file.sections):
            refuse(OpenStage.COLLECT, f"{section}, sh_info", f"section {section.info} does not exist")
        if file.sections[section.info].executable or section.name == ".rel.maps":
            found.relocations.append(section)
        else:
            found.notes.append(f"{section}: relocations of '{file.sections[section.info].name}' skipped")
    elif section.type != SectionType.NULL:
        found.notes.append(f"{section}: skipped")


def _data_origin(section: Section, generation: Generation) -> MapOrigin | None:
    wanted = {SectionType.PROGBITS: (MapOrigin.DATA, MapOrigin.RODATA), SectionType.NOBITS: (MapOrigin.BSS,)}
    for kind, origins in wanted.items():
        for origin in origins:
            named = generation.named_data and section.name.startswith(origin.value + ".")
            if section.type == kind and section.size and (section.name == origin.value or named):
                return origin
    return None


def _ignored(section: Section) -> bool:
    """``ignore_elf_section`` of libbpf 1.4."""
    if section.type in (SectionType.STRTAB, SectionType.LLVM_ADDRSIG):
        return True
    if section.type == SectionType.PROGBITS and section.size == 0 and section.name == ".text":
        return True
    name = section.name.removeprefix(".rel")
    return name.startswith(".debug_") or (section.name.startswith(".rel") and name in (".BTF", ".BTF.ext"))
