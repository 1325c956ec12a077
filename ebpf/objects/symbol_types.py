"""BTF of a kernel's symbols as the kernel will take it: each extern of ``.ksyms`` becomes a variable of four
bytes (libbpf 1.4, libbpf.c: add_dummy_ksym_var, bpf_object__collect_externs)."""

from __future__ import annotations

from ebpf.btf import Btf, BtfKind, BtfType
from ebpf.btf import types as t
from ebpf.btf.types import Linkage
from ebpf.objects.object import ExternKind

STAND_IN = "dummy_ksym"
"""The variable that stands for every function; parameters without a name are given its name."""
_SIZE = 4


def with_symbols(btf: Btf) -> Btf:
    """The same where there is no section ``.ksyms``."""
    section = next(
        (each for each in btf if each.kind is BtfKind.DATASEC and each.name == ExternKind.KSYM.value), None
    )
    if section is None:
        return btf
    integer = next((each.id for each in btf if _has_32_bits(each, btf)), 0)
    raw, stand_in, name = _extended(btf, integer)
    for number, entry in enumerate(btf.variables(section)):
        extern, stands = btf.type(entry.type), entry.type
        info_at = extern.at - t.TYPE.size + 4
        if extern.kind is BtfKind.FUNC:
            t.WORD.pack_into(raw, info_at, BtfKind.FUNC << 24 | Linkage.GLOBAL)
            _name_parameters(btf.type(extern.size_or_type), raw, name)
            stands = stand_in
        else:
            t.WORD.pack_into(raw, info_at + 4, integer or stand_in - 1)
            t.WORD.pack_into(raw, extern.at, Linkage.GLOBAL)
        t.VAR_SECINFO.pack_into(raw, section.at + number * t.VAR_SECINFO.size, stands, number * _SIZE, _SIZE)
    t.WORD.pack_into(raw, section.at - 4, section.vlen * _SIZE)
    return Btf(bytes(raw))


def _has_32_bits(each: BtfType, btf: Btf) -> bool:
    return each.kind is BtfKind.INT and t.WORD.unpack_from(btf.raw, each.at)[0] & 0xFF == 32


def _extended(btf: Btf, integer: int) -> tuple[bytearray, int, int]:
    """(bytes, id of the stand-in, offset of its name): with the variable appended, after an ``int`` where
    there is none."""
    magic, version, flags, length, types_at, types_size, strings_at, strings_size = t.HEADER.unpack_from(
        btf.raw
    )
    strings = (
        btf.raw[length + strings_at : length + strings_at + strings_size] + STAND_IN.encode() + b"\0int\0"
    )
    more, last = b"", len(btf) - 1
    if not integer:
        more = t.TYPE.pack(strings_size + len(STAND_IN) + 1, BtfKind.INT << 24, _SIZE) + t.WORD.pack(
            1 << 24 | 32
        )
        last += 1
        integer = last
    more += t.TYPE.pack(strings_size, BtfKind.VAR << 24, integer) + t.WORD.pack(Linkage.GLOBAL)
    types = btf.raw[length : length + types_at + types_size] + more
    head = t.HEADER.pack(
        magic, version, flags, length, types_at, types_size + len(more), len(types), len(strings)
    )
    return bytearray(head + btf.raw[t.HEADER.size : length] + types + strings), last + 1, strings_size


def _name_parameters(prototype: BtfType, raw: bytearray, name: int) -> None:
    for number in range(prototype.vlen):
        at = prototype.at + number * t.PARAM.size
        given, kind = t.PARAM.unpack_from(raw, at)
        # The last of a variadic function has neither.
        if kind and not given:
            t.WORD.pack_into(raw, at, name)
