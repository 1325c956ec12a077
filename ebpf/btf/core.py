"""CO-RE relocations: what the running kernel's types make of a number in a program
(tools/lib/bpf/relo_core.c: bpf_core_calc_relo; Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from ebpf.btf import core_fields
from ebpf.btf import types as t
from ebpf.btf.core_fields import FieldPlace, essential
from ebpf.btf.reader import Btf, BtfError
from ebpf.btf.types import BtfKind, BtfType
from ebpf.byte_order import OBJECT_ORDER


class CoreKind(IntEnum):
    """``enum bpf_core_relo_kind`` (include/uapi/linux/bpf.h)."""

    BYTE_OFFSET = 0
    BYTE_SIZE = 1
    EXISTS = 2
    SIGNED = 3
    LSHIFT = 4
    RSHIFT = 5
    TYPE_ID_LOCAL = 6
    TYPE_ID_TARGET = 7
    TYPE_EXISTS = 8
    TYPE_SIZE = 9
    ENUM_EXISTS = 10
    ENUM_VALUE = 11
    TYPE_MATCHES = 12


_FIELD = tuple(CoreKind)[:6]
_TESTS = (CoreKind.EXISTS, CoreKind.TYPE_EXISTS, CoreKind.ENUM_EXISTS)
"""Answered by 0 where there is nothing."""


@dataclass(frozen=True, slots=True)
class CoreRelocation:
    """Of the instruction at ``offset`` bytes of ``section``; ``type`` is the program's own, ``access`` a path
    in it."""

    section: str
    offset: int
    type: int
    access: str
    kind: int


@dataclass(frozen=True, slots=True)
class Relocated:
    """``new`` is None where the kernel has no such thing, and the instruction must not be reached.

    ``checked``: the instruction must hold ``old`` before.  ``old_size``, ``new_size``: of the field in bytes,
    where a load's or store's width goes with it, else 0.
    """

    old: int
    new: int | None
    checked: bool = True
    old_size: int = 0
    new_size: int = 0


@dataclass(slots=True)
class KernelTypes:
    """A kernel's BTF, with an index of names."""

    btf: Btf
    _named: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.btf:
            if each.name and each.kind in _KINDS:
                self._named.setdefault(essential(each.name), []).append(each.id)

    def candidates(self, of: BtfType) -> list[BtfType]:
        """Types of the same kind and essential name."""
        found = [self.btf.type(number) for number in self._named.get(essential(of.name), [])]
        return [each for each in found if _same_kind(each.kind, of.kind)]


_ENUMS = (BtfKind.ENUM, BtfKind.ENUM64)
_KINDS = frozenset({BtfKind.STRUCT, BtfKind.UNION, BtfKind.INT, BtfKind.TYPEDEF, BtfKind.FLOAT, *_ENUMS})


def _same_kind(one: BtfKind, other: BtfKind) -> bool:
    return one is other or (one in _ENUMS and other in _ENUMS)


def relocate(local: Btf, relocation: CoreRelocation, kernel: KernelTypes) -> Relocated:
    """Raises :class:`BtfError` for what is malformed, ambiguous or not done here."""
    at = f"CO-RE relocation at {relocation.section}+{relocation.offset}"
    try:
        kind = CoreKind(relocation.kind)
    except ValueError:
        raise BtfError(at, f"kind {relocation.kind} is none") from None
    if kind is CoreKind.TYPE_MATCHES:
        raise BtfError(at, "whether whole types match is not decided here")
    if kind is CoreKind.TYPE_ID_LOCAL:
        return Relocated(relocation.type, relocation.type)
    root = _root(local, relocation.type)
    old = _value(local, relocation, root, kind, at)
    found = {
        new
        for new in (
            _of_target(local, relocation, kernel.btf, each, kind, at) for each in kernel.candidates(root)
        )
        if new
    }
    if not found:
        return Relocated(old[0], 0 if kind in _TESTS else None, old[2], old[1])
    if len(found) > 1 and kind is not CoreKind.TYPE_ID_TARGET:
        raise BtfError(at, f"ambiguous: the kernel's types named '{root.name}' give {len(found)} values")
    value, size, _ = min(found)
    return Relocated(old[0], value, old[2], old[1], size)


def _root(btf: Btf, number: int) -> BtfType:
    """Behind modifiers; a typedef is one where it is what the program names."""
    found = btf.type(number)
    while found.kind in t.MODIFIERS and found.kind is not BtfKind.TYPEDEF:
        found = btf.type(found.size_or_type)
    if (
        found.kind is BtfKind.TYPEDEF
        and btf.stripped(number).kind in core_fields.COMPOSITE
        and not btf.stripped(number).name
    ):
        return found
    return btf.stripped(number) if found.kind is BtfKind.TYPEDEF and btf.stripped(number).name else found


_WORDS = {
    BtfKind.STRUCT: "struct ", BtfKind.UNION: "union ", BtfKind.ENUM: "enum ", BtfKind.ENUM64: "enum ",
}  # fmt: skip


def name_target(local: Btf, relocation: CoreRelocation) -> str:
    """What the relocation asks the kernel's types for: ``struct kernfs_node.id``, ``enum pid_type::PID``."""
    root = _root(local, relocation.type)
    title = _WORDS.get(root.kind, "") + (essential(root.name) or "(anonymous)")
    if relocation.kind in _FIELD:
        steps = core_fields.parse(local, relocation.type, relocation.access).steps
        return title + "".join(f".{step.name}" if step.name else f"[{step.index}]" for step in steps[1:])
    if relocation.kind in (CoreKind.ENUM_EXISTS, CoreKind.ENUM_VALUE):
        return f"{title}::{essential(_enumerators(local, root)[int(relocation.access)][0])}"
    return title


_Value = tuple[int, int, bool]
"""(value, size of the field for loads and stores or 0, whether it must have been in the instruction)."""


def _value(btf: Btf, relocation: CoreRelocation, root: BtfType, kind: CoreKind, at: str) -> _Value:
    if kind in _TESTS:
        return 1, 0, True
    if kind in _FIELD:
        return _field_value(btf, core_fields.parse(btf, relocation.type, relocation.access), kind, at)
    if kind is CoreKind.ENUM_VALUE:
        return _enumerators(btf, root)[int(relocation.access)][1], 0, True
    return (root.id if kind is CoreKind.TYPE_ID_TARGET else btf.size(root.id)), 0, True


def _of_target(
    local: Btf, relocation: CoreRelocation, target: Btf, candidate: BtfType, kind: CoreKind, at: str
) -> _Value | None:
    """The candidate's value; None where it has no such field or enumerator."""
    if kind in _FIELD:
        place = core_fields.parse(local, relocation.type, relocation.access)
        path = core_fields.local_types(local, relocation.type, relocation.access)
        there = core_fields.find(local, place, path, target, candidate.id)
        if there is None:
            return None
        return (1, 0, True) if kind is CoreKind.EXISTS else _field_value(target, there, kind, at)
    if kind in (CoreKind.ENUM_EXISTS, CoreKind.ENUM_VALUE):
        wanted = essential(_enumerators(local, local.stripped(relocation.type))[int(relocation.access)][0])
        values = [value for name, value in _enumerators(target, candidate) if essential(name) == wanted]
        return None if not values else (1 if kind is CoreKind.ENUM_EXISTS else values[0], 0, True)
    if kind is CoreKind.TYPE_EXISTS:
        return 1, 0, True
    return (candidate.id if kind is CoreKind.TYPE_ID_TARGET else target.size(candidate.id)), 0, True


def _field_value(btf: Btf, place: FieldPlace, kind: CoreKind, at: str) -> _Value:
    """``bpf_core_calc_field_relo``, little-endian."""
    of = btf.type(place.type)
    size = btf.size(place.type)
    start, bits = place.bits // 8, place.width or 8 * size
    if place.width:
        start = place.bits // 8 // size * size
        while place.bits + place.width - 8 * start > 8 * size:
            if size >= 8:
                raise BtfError(at, "a bit field that no load of 8 bytes holds")
            size *= 2
            start = place.bits // 8 // size * size
    match kind:
        case CoreKind.BYTE_OFFSET:
            element = btf.size(btf.array(of)[0]) if of.kind is BtfKind.ARRAY else size
            return start, 0 if place.width else element, not place.width
        case CoreKind.BYTE_SIZE:
            return size, 0, not place.width
        case CoreKind.SIGNED:
            return int(_is_signed(btf, of)), 0, True
        case CoreKind.LSHIFT:
            return 64 - (place.bits + bits - 8 * start), 0, False
        case _:
            return 64 - bits, 0, not place.width


def _is_signed(btf: Btf, of: BtfType) -> bool:
    if of.kind in _ENUMS:
        return of.kind_flag
    return of.kind is BtfKind.INT and bool(t.WORD.unpack_from(btf.raw, of.at)[0] >> 24 & 1)


def _enumerators(btf: Btf, of: BtfType) -> list[tuple[str, int]]:
    if of.kind not in _ENUMS:
        raise BtfError(f"BTF type {of.id}", "no enumeration")
    step = t.PER_ENTRY[of.kind]
    rows = []
    for number in range(of.vlen):
        raw = btf.raw[of.at + number * step : of.at + (number + 1) * step]
        value = raw[4:8] if of.kind is BtfKind.ENUM else raw[4:12]
        rows.append((btf.string(t.WORD.unpack_from(raw)[0]), OBJECT_ORDER.number(value, signed=of.kind_flag)))
    return rows
