"""What a type refers to is there: every id and name of every type (libbpf 1.5, btf.c: btf_validate_type)."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf.btf import types as t
from ebpf.btf.reader import Btf, BtfError
from ebpf.btf.types import BtfKind, BtfType
from ebpf.byte_order import OBJECT_ORDER

_REFERRING = t.MODIFIERS | {BtfKind.PTR, BtfKind.FUNC, BtfKind.VAR, BtfKind.DECL_TAG}
"""Without FUNC_PROTO, whose result's type libbpf does not look at."""
_ENTRIES = {
    # Kind: layout, which word is a name, which a type.
    BtfKind.STRUCT: (t.MEMBER, 0, 1),
    BtfKind.UNION: (t.MEMBER, 0, 1),
    BtfKind.FUNC_PROTO: (t.PARAM, 0, 1),
    BtfKind.ENUM: (OBJECT_ORDER.layout("II"), 0, None),
    BtfKind.ENUM64: (OBJECT_ORDER.layout("III"), 0, None),
    BtfKind.DATASEC: (t.VAR_SECINFO, None, 0),
}


def validate(btf: Btf) -> None:
    """Raises :class:`BtfError` for the first type that refers to what is not there, or a FUNC whose type is
    no FUNC_PROTO."""
    for each in btf.common():
        here = f"BTF type {each.id}"
        for name in _names(btf, each):
            if name >= btf.strings_size:
                raise BtfError(here, f"refers to a name at {name}, which is beyond the strings")
        for number in _types(btf, each):
            if number >= len(btf):
                raise BtfError(here, f"refers to type {number}, and there are {len(btf) - 1}")
        if each.kind is BtfKind.FUNC and btf.kind(each.size_or_type) is not BtfKind.FUNC_PROTO:
            raise BtfError(here, f"refers to type {each.size_or_type}, which is no FUNC_PROTO")


def _entries(btf: Btf, of: BtfType) -> Iterator[tuple[int, ...]]:
    layout = _ENTRIES[of.kind][0]
    return (layout.unpack_from(btf.raw, of.at + number * layout.size) for number in range(of.vlen))


def _names(btf: Btf, of: BtfType) -> Iterator[int]:
    yield t.TYPE.unpack_from(btf.raw, of.at - t.TYPE.size)[0]
    if of.kind in _ENTRIES and (place := _ENTRIES[of.kind][1]) is not None:
        yield from (entry[place] for entry in _entries(btf, of))


def _types(btf: Btf, of: BtfType) -> Iterator[int]:
    if of.kind in _REFERRING:
        yield of.size_or_type
    elif of.kind is BtfKind.ARRAY:
        yield from btf.array(of)[:2]
    elif of.kind in _ENTRIES and (place := _ENTRIES[of.kind][2]) is not None:
        yield from (entry[place] for entry in _entries(btf, of))
