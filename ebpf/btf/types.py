"""Kinds of types and their layout (include/uapi/linux/btf.h, Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ebpf.byte_order import OBJECT_ORDER

MAGIC = 0xEB9F
HEADER = OBJECT_ORDER.layout("HBBIIIII")
"""magic, version, flags, hdr_len, type_off, type_len, str_off, str_len."""
TYPE = OBJECT_ORDER.layout("III")
"""name_off, info (vlen 0-15, kind 24-28, kind_flag 31), size or type."""
WORD = OBJECT_ORDER.layout("I")
ARRAY = OBJECT_ORDER.layout("III")
"""type, index_type, nelems."""
MEMBER = OBJECT_ORDER.layout("III")
"""name_off, type, offset in bits."""
PARAM = OBJECT_ORDER.layout("II")
VAR_SECINFO = OBJECT_ORDER.layout("III")
"""type, offset, size."""
MAX_VLEN = 0xFFFF


class BtfKind(IntEnum):
    """``BTF_KIND_*``; VOID is type id 0."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


class Linkage(IntEnum):
    """Of variables and functions: BTF_VAR_* and BTF_FUNC_*."""

    STATIC = 0
    GLOBAL = 1
    EXTERN = 2


FIXED = {
    BtfKind.INT: 4, BtfKind.ARRAY: ARRAY.size, BtfKind.VAR: 4, BtfKind.DECL_TAG: 4,
}  # fmt: skip
"""Bytes after the common part, whatever vlen says."""
PER_ENTRY = {
    BtfKind.STRUCT: MEMBER.size, BtfKind.UNION: MEMBER.size, BtfKind.ENUM: 8, BtfKind.ENUM64: 12,
    BtfKind.FUNC_PROTO: PARAM.size,
    BtfKind.DATASEC: VAR_SECINFO.size,
}  # fmt: skip
"""Bytes for each of vlen entries."""
MODIFIERS = frozenset({BtfKind.VOLATILE, BtfKind.CONST, BtfKind.RESTRICT, BtfKind.TYPE_TAG, BtfKind.TYPEDEF})
SIZED = frozenset(
    {BtfKind.INT, BtfKind.STRUCT, BtfKind.UNION, BtfKind.ENUM, BtfKind.ENUM64, BtfKind.FLOAT, BtfKind.DATASEC}
)
REFERRING = MODIFIERS | {BtfKind.PTR, BtfKind.FUNC, BtfKind.FUNC_PROTO, BtfKind.VAR, BtfKind.DECL_TAG}
"""Kinds whose third word is a type id."""


@dataclass(frozen=True, slots=True)
class BtfType:
    """One type's common part; ``size_or_type`` is a size in bytes or the id of another type.  ``at``: where
    its entries begin."""

    id: int
    kind: BtfKind
    name: str
    vlen: int
    kind_flag: bool
    size_or_type: int
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct, at ``offset`` bytes."""

    name: str
    type: int
    offset: int


@dataclass(frozen=True, slots=True)
class SectionVariable:
    """An entry of a DATASEC; ``at`` is where its three words lie in the section's bytes."""

    type: int
    offset: int
    size: int
    at: int
