"""CO-RE access paths: what a compiler recorded as ``0:1:2`` against a program's own types, and the same field
in the kernel's (tools/lib/bpf/relo_core.c: bpf_core_parse_spec, bpf_core_match_member,
bpf_core_fields_are_compat; Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.btf import types as t
from ebpf.btf.reader import Btf, BtfError
from ebpf.btf.types import BtfKind, BtfType

COMPOSITE = (BtfKind.STRUCT, BtfKind.UNION)
_ENUMS = (BtfKind.ENUM, BtfKind.ENUM64)
MAX_STEPS = 64
"""BPF_CORE_SPEC_MAX_LEN."""


@dataclass(frozen=True, slots=True)
class AccessStep:
    """One step of a path: to a member by ``name`` (never of an anonymous struct), or to element ``index`` of
    an array ("")."""

    name: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """Where a path ends: ``type`` of the field, ``bits`` from the start; ``width`` in bits of a bit field,
    else 0."""

    steps: tuple[AccessStep, ...]
    type: int
    bits: int
    width: int


def essential(name: str) -> str:
    """Without the flavour that programs may add to a type's name: ``task_struct___old``."""
    return name.partition("___")[0] or name


def member(btf: Btf, struct: BtfType, index: int) -> tuple[str, int, int, int]:
    """(name, type, offset in bits, width of a bit field or 0).  Raises :class:`BtfError`."""
    if not 0 <= index < struct.vlen:
        raise BtfError(f"BTF type {struct.id}", f"has no member {index}")
    name, kind, offset = t.MEMBER.unpack_from(btf.raw, struct.at + index * t.MEMBER.size)
    return (
        btf.string(name),
        kind,
        offset & 0xFFFFFF if struct.kind_flag else offset,
        offset >> 24 if struct.kind_flag else 0,
    )


def parse(btf: Btf, root: int, text: str) -> FieldPlace:
    """The place that ``text`` names in type ``root``.  Raises :class:`BtfError`."""
    try:
        indices = [int(part) for part in text.split(":")]
    except ValueError:
        raise BtfError("CO-RE relocation", f"access path {text!r} is no list of numbers") from None
    if len(indices) > MAX_STEPS:
        raise BtfError("CO-RE relocation", f"access path {text!r} has more than {MAX_STEPS} steps")
    at = btf.stripped(root)
    steps, bits, width = (
        [AccessStep("", indices[0])],
        8 * indices[0] * btf.size(at.id) if indices[0] else 0,
        0,
    )
    for index in indices[1:]:
        if at.kind in COMPOSITE:
            name, kind, offset, width = member(btf, at, index)
            bits += offset
            if name:
                steps.append(AccessStep(name))
        elif at.kind is BtfKind.ARRAY:
            kind, width = btf.array(at)[0], 0
            bits += 8 * index * btf.size(kind)
            steps.append(AccessStep("", index))
        else:
            raise BtfError("CO-RE relocation", f"access path {text!r} goes into a {at.kind.name.lower()}")
        at = btf.stripped(kind)
    return FieldPlace(tuple(steps), at.id, bits, width)


def find(local: Btf, place: FieldPlace, path: list[int], target: Btf, root: int) -> FieldPlace | None:
    """The same path in the target's type ``root``; None where it has no such field.  ``path``: local types,
    step by step."""
    at = target.stripped(root)
    bits = 8 * place.steps[0].index * target.size(at.id) if place.steps[0].index else 0
    width = 0
    for step, expected in zip(place.steps[1:], path, strict=True):
        if step.name:
            found = _member(local, expected, step.name, target, at)
            if found is None:
                return None
            kind, offset, width = found
            bits += offset
        else:
            if at.kind is not BtfKind.ARRAY:
                return None
            kind, _, count = target.array(at)
            if count and step.index >= count:
                return None
            bits, width = bits + 8 * step.index * target.size(kind), 0
        at = target.stripped(kind)
    return FieldPlace(place.steps, at.id, bits, width)


def local_types(btf: Btf, root: int, text: str) -> list[int]:
    """The type that each step of a path leads to, without those to anonymous structs."""
    at, found = btf.stripped(root), []
    for index in [int(part) for part in text.split(":")][1:]:
        if at.kind in COMPOSITE:
            name, kind, *_ = member(btf, at, index)
            found += [kind] if name else []
        else:
            kind = btf.array(at)[0]
            found.append(kind)
        at = btf.stripped(kind)
    return found


def _member(
    local: Btf, expected: int, name: str, target: Btf, struct: BtfType
) -> tuple[int, int, int] | None:
    """(type, offset in bits, width) of a member, also one of an anonymous struct inside; of a compatible
    type."""
    if struct.kind not in COMPOSITE:
        return None
    for index in range(struct.vlen):
        found, kind, offset, width = member(target, struct, index)
        if not found:
            inner = _member(local, expected, name, target, target.stripped(kind))
            if inner is not None:
                return inner[0], offset + inner[1], inner[2]
        elif found == name:
            return (kind, offset, width) if compatible(local, expected, target, kind) else None
    return None


def compatible(local: Btf, one: int, target: Btf, other: int) -> bool:
    """Whether a field of the one type may be read as the other."""
    mine, theirs = local.stripped(one), target.stripped(other)
    if mine.kind in COMPOSITE and theirs.kind in COMPOSITE:
        return True
    if mine.kind in _ENUMS and theirs.kind in _ENUMS:
        return not mine.name or not theirs.name or essential(mine.name) == essential(theirs.name)
    if mine.kind is not theirs.kind:
        return False
    if mine.kind is BtfKind.ARRAY:
        return compatible(local, local.array(mine)[0], target, target.array(theirs)[0])
    if mine.kind is BtfKind.FWD:
        return not mine.name or not theirs.name or essential(mine.name) == essential(theirs.name)
    return mine.kind in (BtfKind.PTR, BtfKind.FLOAT, BtfKind.INT)
