"""BTF made from a map's specification: its value's special fields, and the types that local storage wants.

A kernel finds a lock, timer or list in a map's value by the names of its BTF types (kernel/bpf/btf.c,
btf_get_field_type; Linux 6.12), so a case that names such fields needs BTF before its maps can be created.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ebpf.btf.builder import BtfBuilder
from ebpf.btf.reader import Btf, BtfError
from ebpf.btf.special_fields import CONTAINS
from ebpf.btf.types import BtfKind
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Program

LOCAL_STORAGE = frozenset(
    {MapType.SK_STORAGE, MapType.INODE_STORAGE, MapType.TASK_STORAGE, MapType.CGRP_STORAGE}
)
"""Created with BTF or not at all (kernel/bpf/bpf_local_storage.c, bpf_local_storage_map_alloc_check)."""
NODE = ("veridiff_node", "node")
"""The struct that lists and trees hold, and its member that links it, where a field's ``to`` names none
("struct:member")."""
_WORDS = {1: "__u8", 2: "__u16", 4: "__u32", 8: "__u64"}
_OPAQUE = {
    MapFieldKind.SPIN_LOCK: "bpf_spin_lock",
    MapFieldKind.TIMER: "bpf_timer",
    MapFieldKind.WORKQUEUE: "bpf_wq",
    MapFieldKind.DYNPTR: "bpf_dynptr",
    MapFieldKind.LIST_HEAD: "bpf_list_head",
    MapFieldKind.RB_ROOT: "bpf_rb_root",
    MapFieldKind.LIST_NODE: "bpf_list_node",
    MapFieldKind.RB_NODE: "bpf_rb_node",
    MapFieldKind.REFCOUNT: "bpf_refcount",
}
_LINKS = {MapFieldKind.LIST_HEAD: ("bpf_list_node", 24), MapFieldKind.RB_ROOT: ("bpf_rb_node", 32)}
"""What links an element, and its size since Linux 6.5."""
_TAGS = {MapFieldKind.KPTR: "kptr", MapFieldKind.KPTR_UNTRUSTED: "kptr_untrusted"}


def with_map_types(program: Program) -> Program:
    """The program with BTF that declares its maps' types after its own, and maps that refer to them.

    Itself where no map needs any, or where its own BTF is broken and so cannot be added to.
    """
    if not any(lacks_types(spec) for spec in program.maps):
        return program
    try:
        base = Btf(program.btf) if program.btf is not None else None
        structs = (
            {} if base is None else {t.name: t.id for t in reversed(list(base)) if t.kind is BtfKind.STRUCT}
        )
        types = BtfBuilder(base)
    except BtfError:
        return program
    declaring = MapTypes(types, structs)
    maps = tuple(declaring.declare(spec) for spec in program.maps)
    return replace(program, maps=maps, btf=types.build())


def lacks_types(spec: MapSpec) -> bool:
    """Whether the map, or its inner map, cannot be created as it is for want of types."""
    own = not spec.btf_value and bool(spec.fields or spec.type in LOCAL_STORAGE)
    return own or (spec.inner is not None and lacks_types(spec.inner))


class MapTypes:
    """Declares the types of maps in BTF being built, each once; ``structs`` are there already, by name."""

    def __init__(self, types: BtfBuilder, structs: Mapping[str, int] | None = None) -> None:
        self.types = types
        self._ids: dict[str, int] = dict(structs or {})

    def declare(self, spec: MapSpec) -> MapSpec:
        """The map with types that say what its fields are; itself where it wants none."""
        if spec.inner is not None:
            spec = replace(spec, inner=self.declare(spec.inner))
        if not lacks_types(replace(spec, inner=None)):
            return spec
        return replace(spec, btf_key=self._key(spec), btf_value=self._value(spec))

    def _key(self, spec: MapSpec) -> int:
        if spec.type is MapType.LPM_TRIE:
            # A struct, says trie_check_btf.
            return self._struct(f"key_{spec.key_size}", spec.key_size)
        return self._bytes(spec.key_size) if spec.key_size else 0

    def _value(self, spec: MapSpec) -> int:
        if not spec.fields:
            return self._bytes(spec.value_size)
        fields = sorted(spec.fields, key=lambda field: field.offset)
        members = [(f"field_{field.offset}", self._type(field), field.offset) for field in fields]
        value = self.types.struct("value", spec.value_size, members)
        for number, field in enumerate(fields):
            if field.kind in _LINKS:
                struct, member = _contained(field)
                self.types.tag(f"{CONTAINS}{struct}:{member}", value, number)
        return value

    def _type(self, field: MapField) -> int:
        if field.kind in _TAGS:
            target = self._struct(field.to, 0)
            return self.types.pointer(self.types.type_tag(_TAGS[field.kind], target))
        if field.kind in _LINKS:
            self._declare_element(field)
        return self._struct(_OPAQUE[field.kind], field.kind.size)

    def _declare_element(self, field: MapField) -> None:
        """The struct that a list or tree holds: its link is its first member."""
        struct, member = _contained(field)
        name, size = _LINKS[field.kind]
        if struct not in self._ids:
            link = self._struct(name, size)
            self._ids[struct] = self.types.struct(struct, size + 8, [(member, link, 0)])

    def _struct(self, name: str, size: int) -> int:
        if name not in self._ids:
            self._ids[name] = self.types.struct(name, size, [])
        return self._ids[name]

    def _bytes(self, size: int) -> int:
        """A type of that size: an integer, else an array of bytes."""
        name = f"bytes {size}"
        if name not in self._ids:
            self._ids[name] = (
                self.types.integer(_WORDS[size], size)
                if size in _WORDS
                else self.types.array(self._bytes(1), self._bytes(4), size)
            )
        return self._ids[name]


def _contained(field: MapField) -> tuple[str, str]:
    struct, colon, member = field.to.partition(":")
    return (struct, member) if colon else NODE
