"""What opening an object gives: programs, maps, externs, licence, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ebpf.isa.insn import Insn
from ebpf.map_references import map_loads, named_maps
from ebpf.maps import MapSpec, MapType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import ElfFile
from ebpf.objects.generation import Generation
from ebpf.program import NO_FLAGS, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType


class MapOrigin(Enum):
    """Where a map's definition was."""

    LEGACY = "maps"
    BTF = ".maps"
    DATA = ".data"
    RODATA = ".rodata"
    BSS = ".bss"


@dataclass(frozen=True, slots=True)
class ObjectMap:
    """A map: what to create, and where its definition lies.  ``pinned``: LIBBPF_PIN_BY_NAME.  ``unsupported``
    says what of the definition a :class:`MapSpec` cannot hold ("": nothing)."""

    spec: MapSpec
    origin: MapOrigin
    section: int
    offset: int = 0
    pinned: bool = False
    unsupported: str = ""


class ExternKind(Enum):
    """What answers an extern: the kernel's configuration, or its symbols."""

    KCONFIG = ".kconfig"
    KSYM = ".ksyms"


@dataclass(frozen=True, slots=True)
class Extern:
    """A symbol that the object leaves to the loader."""

    name: str
    kind: ExternKind
    symbol: int
    weak: bool
    function: bool


@dataclass(frozen=True, slots=True)
class SourceLine:
    """The source from instruction ``slot`` on."""

    slot: int
    file: str
    line: int
    column: int
    text: str


NEEDS_TYPES = "CO-RE relocations, which need the running kernel's types"
"""Why a program cannot be made before it is known for which kernel."""


@dataclass(frozen=True, slots=True)
class ObjectProgram:
    """A program as the loader would hand it to the kernel, but that loads of map addresses hold indices into
    the object's maps.

    ``functions``: (name, first slot) of the program itself and of the subprograms appended to it.
    ``unsupported``: why it cannot be made a :class:`Program` here ("": it can).
    """

    name: str
    section: str
    type: ProgramType
    attach_type: AttachType | None
    attach_to: str
    instructions: tuple[Insn, ...]
    functions: tuple[tuple[str, int], ...]
    flags: LoadFlag = NO_FLAGS
    autoload: bool = True
    lines: tuple[SourceLine, ...] = ()
    func_info: bytes | None = None
    kfuncs: tuple[tuple[int, str], ...] = ()
    unsupported: str = ""
    missing: tuple[tuple[int, str], ...] = ()
    """(slot, what its CO-RE relocation names) where the kernel's types have no such thing: a call of no
    helper is there now, as libbpf does it."""


@dataclass(frozen=True, slots=True)
class Object:
    """An opened object.  ``notes`` says what was passed over, as libbpf passes it over.  ``btf`` is as it
    would be loaded."""

    name: str
    generation: Generation
    file: ElfFile
    license: str
    version: int | None
    maps: tuple[ObjectMap, ...]
    programs: tuple[ObjectProgram, ...]
    externs: tuple[Extern, ...] = ()
    btf: bytes | None = None
    notes: tuple[str, ...] = ()

    def program(self, of: ObjectProgram) -> Program:
        """``of`` as a program with the maps it names, renumbered.  Raises :class:`ObjectError` for what a
        program cannot hold."""
        at = f"program '{of.section}/{of.name}'"
        if of.type is ProgramType.UNSPEC:
            refuse(
                OpenStage.LOAD,
                at,
                f"section name '{of.section}' stands for no program type in {self.generation.value}",
            )
        if of.unsupported:
            refuse(OpenStage.LOAD, at, f"unsupported: {of.unsupported}")
        used = sorted(named_maps(of.instructions))
        for index in used:
            if self.maps[index].unsupported:
                refuse(
                    OpenStage.LOAD,
                    f"map '{self.maps[index].spec.name}'",
                    f"unsupported: {self.maps[index].unsupported}",
                )
        insns = list(of.instructions)
        for slot, first in map_loads(of.instructions):
            insns[slot] = replace(first, imm=used.index(first.imm))
        maps = tuple(_created(self.maps[index].spec) for index in used)
        typed = of.func_info is not None or any(spec.btf_key or spec.btf_value for spec in maps)
        return Program(
            of.type,
            tuple(insns),
            maps,
            of.attach_type,
            of.attach_to or None,
            self.license,
            of.flags,
            self.btf if typed else None,
            of.func_info,
            of.kfuncs,
        )


UNTYPED = frozenset({
    MapType.PERF_EVENT_ARRAY, MapType.CGROUP_ARRAY, MapType.STACK_TRACE, MapType.ARRAY_OF_MAPS,
    MapType.HASH_OF_MAPS,
    MapType.DEVMAP, MapType.DEVMAP_HASH, MapType.CPUMAP, MapType.XSKMAP, MapType.SOCKMAP, MapType.SOCKHASH,
    MapType.QUEUE,
    MapType.STACK,
})  # fmt: skip
"""Types that the kernel creates without BTF (libbpf.c, bpf_object__create_map; 0.3 tries with it first)."""


def _created(spec: MapSpec) -> MapSpec:
    """As libbpf creates it in the end: a trie whose key is no structure is refused with types, and tried
    again without (trie_map_check_btf, kernel/bpf/lpm_trie.c); no trie needs them."""
    tried = creatable(spec)
    return replace(tried, btf_key=0, btf_value=0) if spec.type is MapType.LPM_TRIE else tried


def creatable(spec: MapSpec) -> MapSpec:
    """Without types where a key has one and the value none: the kernel refuses those, and libbpf then tries
    without (kernel/bpf/syscall.c, map_create; libbpf.c, bpf_object__create_map)."""
    half = bool(spec.btf_key) and not spec.btf_value
    return replace(spec, btf_key=0, btf_value=0) if half or spec.type in UNTYPED else spec
