"""Maps defined by BTF in a ``.maps`` section (libbpf 1.4, libbpf.c: bpf_object__init_user_btf_map,
parse_btf_map_def).

``__uint(type, N)`` is a pointer to an array of N elements, ``__type(key, T)`` a pointer to T,
``__array(values, T)`` an array of none.
"""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.btf import Btf, BtfError, BtfKind, BtfType
from ebpf.btf.special_fields import special_fields
from ebpf.btf.types import Linkage, Member, SectionVariable
from ebpf.maps import MapField, MapSpec, MapType
from ebpf.objects.data_maps import map_type
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import Section
from ebpf.objects.object import MapOrigin, ObjectMap

_PAGE = 4096
MAX_FIELDS = 32
_Fields = dict[int, tuple[MapField, ...]]
_NESTED = (MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS)


def btf_maps(section: Section, btf: Btf) -> list[ObjectMap]:
    """Raises :class:`ebpf.objects.errors.ObjectError`."""
    found = next((each for each in btf if each.kind is BtfKind.DATASEC and each.name == ".maps"), None)
    if found is None:
        refuse(OpenStage.MAPS, str(section), "no DATASEC '.maps' in BTF")
    known: dict[int, tuple[MapField, ...]] = {}
    return [
        _map(section, btf, variable, number, known) for number, variable in enumerate(btf.variables(found))
    ]


def _map(section: Section, btf: Btf, variable: SectionVariable, number: int, known: _Fields) -> ObjectMap:
    var = btf.type(variable.type)
    at = f"{section}, map {number} '{var.name}'"
    if not var.name:
        refuse(OpenStage.MAPS, at, "empty name")
    if variable.offset + variable.size > section.size:
        refuse(
            OpenStage.MAPS,
            at,
            f"its variable at {variable.offset}+{variable.size} leaves the section's {section.size} bytes",
        )
    if var.kind is not BtfKind.VAR:
        refuse(OpenStage.MAPS, at, f"defined by a {var.kind.name.lower()}, not a variable")
    if btf.linkage(var) != Linkage.GLOBAL:
        refuse(OpenStage.MAPS, at, "unsupported linkage: a map must be a global variable")
    struct = btf.stripped(var.size_or_type)
    if struct.kind is not BtfKind.STRUCT:
        refuse(OpenStage.MAPS, at, f"defined by a {struct.kind.name.lower()}, not a struct")
    if struct.size_or_type > variable.size:
        refuse(
            OpenStage.MAPS,
            at,
            f"its struct of {struct.size_or_type} bytes is larger than its variable of {variable.size}",
        )
    definition = _Definition(at)
    definition.read(btf, struct)
    pinned = definition.words.get("pinning", 0) == 1
    return ObjectMap(
        definition.spec(btf, var.name, known),
        MapOrigin.BTF,
        section.index,
        variable.offset,
        pinned,
        definition.unsupported,
    )


@dataclass(slots=True)
class _Definition:
    """A definition while its members are read; ``words`` holds the integers."""

    at: str
    words: dict[str, int]
    inner: _Definition | None = None
    unsupported: str = ""
    nested: bool = False

    def __init__(self, at: str, nested: bool = False) -> None:
        self.at, self.nested = at, nested
        self.words, self.inner, self.unsupported = {}, None, ""

    def read(self, btf: Btf, struct: BtfType) -> None:
        if struct.vlen > MAX_FIELDS:
            refuse(OpenStage.MAPS, self.at, f"more than {MAX_FIELDS} fields")
        members = btf.members(struct)
        for number, member in enumerate(members):
            match member.name:
                case "type" | "max_entries" | "map_flags" | "numa_node" | "map_extra":
                    self.words[member.name] = self._integer(btf, member)
                case "pinning":
                    self._pinning(btf, member)
                case "key_size" | "value_size":
                    self._size(member.name, self._integer(btf, member))
                case "key" | "value":
                    self._type(btf, member)
                case "values":
                    if number != len(members) - 1:
                        self._refuse(member, "must be the last member")
                    self._values(btf, member)
                case _:
                    self._refuse(member, "unknown field")
        if not self.words.get("type"):
            refuse(OpenStage.MAPS, self.at, "map type isn't specified")
        if self.words.get("numa_node"):
            self.unsupported = f"numa_node = {self.words['numa_node']}"

    def _refuse(self, member: Member, reason: str) -> None:
        refuse(OpenStage.MAPS, f"{self.at}, field '{member.name}'", reason)

    def _integer(self, btf: Btf, member: Member) -> int:
        pointer = btf.stripped(member.type)
        if pointer.kind is not BtfKind.PTR:
            self._refuse(member, f"expected a pointer to an array, found {pointer.kind.name.lower()}")
        array = btf.type(pointer.size_or_type)
        if array.kind is not BtfKind.ARRAY:
            self._refuse(member, f"expected a pointer to an array, found one to {array.kind.name.lower()}")
        return btf.array(array)[2]

    def _size(self, name: str, size: int) -> None:
        if self.words.get(name) and self.words[name] != size:
            refuse(
                OpenStage.MAPS,
                f"{self.at}, field '{name}'",
                f"conflicting sizes {self.words[name]} and {size}",
            )
        self.words[name] = size

    def _type(self, btf: Btf, member: Member) -> None:
        pointer = btf.type(member.type)
        if pointer.kind is not BtfKind.PTR:
            self._refuse(member, f"expected a pointer, found {pointer.kind.name.lower()}")
        try:
            size = btf.size(pointer.size_or_type)
        except BtfError as error:
            self._refuse(member, f"can't determine its size: {error}")
        self._size(f"{member.name}_size", size)
        self.words[f"btf_{member.name}"] = pointer.size_or_type

    def _pinning(self, btf: Btf, member: Member) -> None:
        if self.nested:
            self._refuse(member, "an inner map can't be pinned")
        self.words["pinning"] = self._integer(btf, member)
        if self.words["pinning"] > 1:
            self._refuse(member, f"invalid value {self.words['pinning']}")

    def _values(self, btf: Btf, member: Member) -> None:
        if self.nested:
            self._refuse(member, "multi-level inner maps are not supported")
        kind = self.words.get("type", 0)
        if kind not in (*_NESTED, MapType.PROG_ARRAY):
            self._refuse(member, "should be map-in-map or prog-array")
        self._size("value_size", 4)
        array = btf.type(member.type)
        if array.kind is not BtfKind.ARRAY or btf.array(array)[2]:
            self._refuse(member, "is not a zero-sized array")
        pointer = btf.stripped(btf.array(array)[0])
        if pointer.kind is not BtfKind.PTR:
            self._refuse(member, f"of unexpected kind {pointer.kind.name.lower()}")
        target = btf.stripped(pointer.size_or_type)
        wanted = BtfKind.FUNC_PROTO if kind == MapType.PROG_ARRAY else BtfKind.STRUCT
        if target.kind is not wanted:
            self._refuse(member, f"points to a {target.kind.name.lower()}, not a {wanted.name.lower()}")
        if kind != MapType.PROG_ARRAY:
            self.inner = _Definition(f"{self.at}, inner map", nested=True)
            self.inner.read(btf, target)

    def spec(self, btf: Btf, name: str, known: _Fields) -> MapSpec:
        kind = map_type(self.words["type"], self.at)
        entries = self.words.get("max_entries", 0)
        if kind in (MapType.RINGBUF, MapType.USER_RINGBUF):
            entries = ring_size(entries)
        if self.words.get("btf_value") and self.words["btf_value"] not in known:
            known[self.words["btf_value"]] = special_fields(btf, self.words["btf_value"])
        key, value = self.words.get("btf_key", 0), self.words.get("btf_value", 0)
        return MapSpec(
            kind,
            self.words.get("key_size", 0),
            self.words.get("value_size", 0),
            entries,
            self.words.get("map_flags", 0),
            name,
            key,
            value,
            None if self.inner is None else self.inner.spec(btf, f"{name}.inner", known),
            fields=known[value] if value else (),
            extra=self.words.get("map_extra", 0),
        )


def ring_size(size: int) -> int:
    """Up to a page times a power of two (libbpf.c, adjust_ringbuf_sz)."""
    pages = size // _PAGE
    if size == 0 or (size % _PAGE == 0 and pages & (pages - 1) == 0):
        return size
    wanted = _PAGE
    while wanted <= size:
        wanted <<= 1
    return wanted if wanted >> 32 == 0 else size
