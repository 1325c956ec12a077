"""Structs of a program's own BTF: what bpf_obj_new makes an object of (kernel/bpf/btf.c,
btf_parse_struct_metas; Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ebpf.btf.reader import Btf
from ebpf.btf.special_fields import special_fields
from ebpf.btf.types import BtfKind
from ebpf.errors import InputError
from ebpf.maps import MapField, MapFieldKind

_LINKS = (MapFieldKind.LIST_NODE, MapFieldKind.RB_NODE, MapFieldKind.REFCOUNT)


@dataclass(frozen=True, slots=True)
class LocalType:
    """A struct, ``id`` in the program's BTF.  ``words``: (offset, size) of the members that are numbers."""

    id: int
    name: str
    size: int
    fields: tuple[MapField, ...]
    words: tuple[tuple[int, int], ...]
    names: tuple[tuple[str, int], ...]
    """Members and their offsets."""

    def offset(self, member: str) -> int | None:
        """Where a member is."""
        return dict(self.names).get(member)

    def is_plain(self) -> bool:
        """Whether it has nothing but numbers and what links and counts it."""
        links = all(field.kind in _LINKS for field in self.fields)
        return links and len(self.words) + len(self.fields) == len(self.names)

    def is_counted(self) -> bool:
        """Whether it counts its references."""
        return any(field.kind is MapFieldKind.REFCOUNT for field in self.fields)


@lru_cache(maxsize=64)
def local_types(raw: bytes | None) -> tuple[LocalType, ...]:
    """All of them; none where there is no readable BTF."""
    if raw is None:
        return ()
    try:
        btf = Btf(raw)
        return tuple(_local_type(btf, each.id) for each in btf if each.kind is BtfKind.STRUCT)
    except InputError:
        return ()


def _local_type(btf: Btf, number: int) -> LocalType:
    struct = btf.type(number)
    words, names = [], []
    for member in btf.members(struct):
        names.append((member.name, member.offset))
        if btf.stripped(member.type).kind is BtfKind.INT:
            words.append((member.offset, btf.size(member.type)))
    fields = special_fields(btf, number)
    return LocalType(number, struct.name, struct.size_or_type, fields, tuple(words), tuple(names))


def contained(field: MapField, types: tuple[LocalType, ...]) -> tuple[LocalType, int] | None:
    """What a list or tree holds, and where in it the link is; None where the program's BTF does not say."""
    struct, _, member = field.to.partition(":")
    for each in types:
        if each.name == struct:
            offset = each.offset(member)
            return None if offset is None else (each, offset)
    return None
