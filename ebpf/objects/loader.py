"""Opening an object, stage by stage (libbpf 1.4, libbpf.c: bpf_object_open)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ebpf.btf import Btf, BtfError, BtfKind
from ebpf.btf.core import CoreRelocation, KernelTypes
from ebpf.btf.extension import BtfExtension, read_extension
from ebpf.btf.validation import validate
from ebpf.objects.btf_maps import btf_maps
from ebpf.objects.collected import Collected, collect
from ebpf.objects.core_patches import patch
from ebpf.objects.data_maps import data_map, is_shown
from ebpf.objects.debug import Debug
from ebpf.objects.errors import ObjectError, OpenStage, refuse
from ebpf.objects.externs import externs
from ebpf.objects.file import ElfFile, Section, read_elf
from ebpf.objects.finished_types import finished
from ebpf.objects.functions import Functions, ObjectFunction
from ebpf.objects.generation import Generation
from ebpf.objects.legacy_maps import legacy_maps
from ebpf.objects.linking import Linked, link
from ebpf.objects.object import NEEDS_TYPES, Object, ObjectMap, ObjectProgram
from ebpf.objects.relocations import collect_references
from ebpf.objects.section_names import resolve
from ebpf.objects.symbol_types import with_symbols
from ebpf.program import NO_FLAGS
from ebpf.program_types import ProgramType

MAX_LINKED = 4_000_000
"""Instructions of all programs with their subprograms, of which each program has its own."""


def open_object(
    data: bytes,
    name: str = "object.o",
    generation: Generation = Generation.LIBBPF_1,
    kernel: KernelTypes | None = None,
) -> Object:
    """The object in ``data``; ``name`` is its file's, of which data maps take theirs.  CO-RE relocations are
    done for ``kernel``; without it, programs that have some are unsupported.

    Raises :class:`ObjectError` naming the file, the stage, the place and the reason, and nothing else,
    whatever the bytes.
    """
    stage = OpenStage.ELF_INIT
    try:
        file = read_elf(data)
        found = collect(file, generation)
        stage = OpenStage.BTF
        btf, extension = _types(found, generation)
        stage = OpenStage.EXTERNS
        outside = externs(file, btf, generation)
        stage = OpenStage.BTF
        btf = btf and with_symbols(finished(btf, file))
        stage = OpenStage.MAPS
        maps = _maps(file, found, btf, name.rsplit("/", 1)[-1].split(".")[0], generation)
        stage = OpenStage.PROGRAMS
        functions = Functions(file, found, generation)
        stage = OpenStage.RELOCATIONS
        references = collect_references(file, found, functions, maps, outside, generation)
        debug, names = Debug.of(extension), {section.index: section.name for section in file.sections}
        programs = []
        slots = 0
        for main in functions.programs():
            linked = link(main, functions, references, outside, generation)
            slots += len(linked.insns)
            if slots > MAX_LINKED:
                refuse(
                    stage,
                    f"function '{main.name}'",
                    f"with it, programs have more than {MAX_LINKED} instructions in all",
                )
            program = _program(main, linked, debug, names, generation)
            if program.autoload and extension.nameless and not generation.strict_sections:
                refuse(stage, f"function '{main.name}'", "a nameless part of .BTF.ext")
            if program.autoload and (missing := debug.missing(linked.placed, names)):
                refuse(stage, f"function '{main.name}'", missing)
            if btf is not None and debug.has_core(linked.placed, names):
                program = _relocated(program, linked, names, extension.core, btf, kernel)
            programs.append(program)
    except ObjectError as error:
        raise error.of(name) from None
    except BtfError as error:
        raise ObjectError(stage, error.at, error.reason, name) from None
    return Object(
        name,
        generation,
        file,
        found.license,
        found.version,
        tuple(maps),
        tuple(programs),
        tuple(outside),
        btf.raw if btf else None,
        tuple(found.notes),
    )


def _types(found: Collected, generation: Generation) -> tuple[Btf | None, BtfExtension]:
    """BTF is required only where maps are defined by it; else a broken one is passed over (libbpf.c,
    bpf_object__init_btf)."""
    if found.btf is None:
        if found.btf_maps is not None:
            raise BtfError(str(found.btf_maps), "BTF is required, but is missing")
        return None, BtfExtension()
    btf = None
    try:
        btf = Btf(found.btf.data)
        validate(btf)
    except BtfError as error:
        if found.btf_maps is not None:
            raise
        found.notes.append(f"{error}: ignored")
        # libbpf 0.3 validates no names, and so goes on to those of .BTF.ext.
        return None, BtfExtension(
            nameless=not generation.strict_sections and _is_nameless(found.btf_ext, btf)
        )
    try:
        return btf, read_extension(found.btf_ext.data, btf) if found.btf_ext else BtfExtension()
    except BtfError as error:
        if found.btf_maps is not None and generation.strict_sections:
            raise
        found.notes.append(f"{error}: ignored")
        return btf, BtfExtension()


def _is_nameless(section: Section | None, btf: Btf | None) -> bool:
    try:
        return section is not None and btf is not None and read_extension(section.data, btf).nameless
    except BtfError:
        return False


def _maps(
    file: ElfFile, found: Collected, btf: Btf | None, name: str, generation: Generation
) -> list[ObjectMap]:
    maps: list[ObjectMap] = []
    if found.legacy_maps is not None:
        maps += legacy_maps(file, found.legacy_maps, generation)
    if found.btf_maps is not None and btf is not None:
        maps += btf_maps(found.btf_maps, btf)
    types: dict[str, tuple[int, bool]] = {}
    for each in btf or ():
        # The first of a name counts (btf.c, btf__find_by_name), whatever its kind.
        if each.name not in types:
            types[each.name] = (
                each.id,
                btf is not None and each.kind is BtfKind.DATASEC and is_shown(btf, each),
            )
    for index, origin in sorted(found.data.items()):
        section = file.sections[index]
        type_id, shown = types.get(section.name, (0, False))
        maps.append(data_map(section, origin, name, type_id, shown or generation.all_data_mapped))
    return maps


def _program(
    main: ObjectFunction, linked: Linked, debug: Debug, names: dict[int, str], generation: Generation
) -> ObjectProgram:
    title = names[main.section]
    resolved = resolve(title, generation)
    row = resolved.row
    return ObjectProgram(
        main.name,
        title,
        row.type if row else ProgramType.UNSPEC,
        row.attach_type if row else None,
        resolved.target,
        tuple(linked.insns),
        tuple((function.name, start) for function, start in linked.placed),
        row.flags if row else NO_FLAGS,
        resolved.autoload,
        debug.source(linked.placed, names),
        debug.func_info(linked.placed, names),
        tuple(linked.kfuncs),
        linked.unsupported,
    )


def _relocated(
    program: ObjectProgram,
    linked: Linked,
    names: dict[int, str],
    core: Sequence[CoreRelocation],
    btf: Btf,
    kernel: KernelTypes | None,
) -> ObjectProgram:
    """By the running kernel's types; unsupported where there are none, or where these do not settle it."""
    if kernel is None:
        return replace(program, unsupported=NEEDS_TYPES)
    insns = list(program.instructions)
    try:
        missing = patch(insns, linked.placed, names, core, btf, kernel)
    except BtfError as error:
        return replace(program, unsupported=str(error))
    return replace(program, instructions=tuple(insns), missing=missing)
