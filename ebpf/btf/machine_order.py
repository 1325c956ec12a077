"""BTF and func_info as a machine of some byte order takes them.

Here they are little-endian whatever the program's machine is; a kernel takes its own order only
(kernel/bpf/btf.c, btf_parse_hdr).  All of BTF but its strings and the first four bytes of its header are
words of 32 bits.
"""

from __future__ import annotations

from ebpf.btf import types as t
from ebpf.byte_order import OBJECT_ORDER, ByteOrder


def btf_for(machine: ByteOrder, btf: bytes) -> bytes:
    """The section in the machine's order; itself where it has no header that could be read."""
    if machine is OBJECT_ORDER or len(btf) < t.HEADER.size:
        return btf
    magic, version, flags, *words = t.HEADER.unpack_from(btf)
    size, begin, length = words[:3]
    types = slice(size + begin, size + begin + length)
    if magic != t.MAGIC or size < t.HEADER.size or types.stop > len(btf) or length % t.WORD.size:
        return btf
    header = machine.layout("HBBIIIII").pack(magic, version, flags, *words)
    return b"".join(
        [header, btf[t.HEADER.size : types.start], _words_for(machine, btf[types]), btf[types.stop :]]
    )


def func_info_for(machine: ByteOrder, func_info: bytes) -> bytes:
    """The records in the machine's order; themselves where they are not whole words."""
    whole = len(func_info) % t.WORD.size == 0
    return _words_for(machine, func_info) if whole and machine is not OBJECT_ORDER else func_info


def _words_for(machine: ByteOrder, words: bytes) -> bytes:
    letters = f"{len(words) // t.WORD.size}I"
    return machine.layout(letters).pack(*OBJECT_ORDER.layout(letters).unpack(words))
