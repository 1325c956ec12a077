"""Global functions: kernels verify each on its own, from arguments that its BTF type allows, and walk over calls of it."""

from __future__ import annotations

import struct

from ebpf.btf.reader import Btf
from ebpf.btf.types import BtfKind, Linkage
from ebpf.errors import InputError
from ebpf.program import Program

_RECORD = struct.Struct("<II")
"""struct bpf_func_info, include/uapi/linux/bpf.h: the first slot of a function, and its type."""


def global_functions(program: Program) -> frozenset[int]:
    """The first slots of the program's global functions, the main one apart; none where there is no readable BTF."""
    if program.btf is None or program.func_info is None or len(program.func_info) % _RECORD.size:
        return frozenset()
    try:
        btf = Btf(program.btf)
        found = set()
        for slot, number in _RECORD.iter_unpack(program.func_info):
            kind = btf.type(number)
            if slot and kind.kind is BtfKind.FUNC and btf.linkage(kind) == Linkage.GLOBAL:
                found.add(slot)
    except InputError:
        return frozenset()
    return frozenset(found)
