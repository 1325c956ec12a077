"""Global data as maps: ``.data``, ``.rodata`` and ``.bss`` are arrays of one entry (libbpf 1.4, libbpf.c:
bpf_object__init_global_data_maps, internal_map_name)."""

from __future__ import annotations

from ebpf.btf import Btf, BtfKind, BtfType
from ebpf.btf.types import Linkage
from ebpf.maps import MapSpec, MapType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import Section
from ebpf.objects.object import MapOrigin, ObjectMap

BPF_F_RDONLY_PROG, BPF_F_MMAPABLE = 1 << 7, 1 << 10
NAME_SIZE = 16
"""BPF_OBJ_NAME_LEN."""


def map_type(number: int, at: str) -> MapType:
    """Raises :class:`ebpf.objects.errors.ObjectError` for a number that no Linux has."""
    try:
        return MapType(number)
    except ValueError:
        refuse(OpenStage.MAPS, at, f"{number} is no map type")


def data_map(section: Section, origin: MapOrigin, object_name: str, type_id: int, shown: bool) -> ObjectMap:
    """The map of a data section; ``type_id`` is its DATASEC (0: none), ``shown`` whether user space may map
    it.  Zeros need no contents: maps begin so."""
    if section.size >> 32:
        refuse(OpenStage.MAPS, str(section), f"a size of {section.size} does not fit in 32 bits")
    flags = BPF_F_RDONLY_PROG if origin is MapOrigin.RODATA else 0
    if shown:
        flags |= BPF_F_MMAPABLE
    contents = ((bytes(4), section.data),) if any(section.data) else ()
    name = internal_name(object_name, section.name)
    spec = MapSpec(MapType.ARRAY, 4, section.size, 1, flags, name, 0, type_id, contents=contents)
    return ObjectMap(spec, origin, section.index)


def is_shown(btf: Btf, section: BtfType) -> bool:
    """Whether a skeleton would show one of its variables (libbpf.c, map_is_mmapable)."""
    kinds = (btf.type(each.type) for each in btf.variables(section))
    return any(each.kind is BtfKind.VAR and btf.linkage(each) != Linkage.STATIC for each in kinds)


def internal_name(object_name: str, section: str) -> str:
    """``hello.rodata``: the object's name cut so that the section's fits; a section with two dots stands
    alone, and whole: only the kernel gets it cut (map_uses_real_name)."""
    suffix = min(max(7, len(section)), NAME_SIZE - 1)
    prefix = min(NAME_SIZE - suffix - 1, len(object_name))
    name = section if "." in section[1:] else object_name[:prefix] + section[:suffix]
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.") else "_" for c in name)
