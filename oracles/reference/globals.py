"""Global functions: kernels verify each on its own, from arguments that its BTF type allows, and walk over
calls of it.

Here they are walked from their callers, which is what runs; so they are safe when no call of them misbehaves,
and a kernel may refuse them for arguments that nobody gives.
"""

from __future__ import annotations

import struct

from ebpf.btf.reader import Btf
from ebpf.btf.types import BtfKind, Linkage
from ebpf.errors import InputError
from ebpf.program import Program

_RECORD = struct.Struct("<II")
"""struct bpf_func_info, include/uapi/linux/bpf.h: the first slot of a function, and its type."""


def global_functions(program: Program) -> frozenset[int]:
    """The first slots of the program's global functions, the main one apart; none where there is no readable
    BTF."""
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


def may_be_untrusted(program: Program) -> bool:
    """Whether an argument is tagged so that the function may be given any number for a pointer: reading
    through it then gives 0 where there is no memory (BTF declaration tag ``arg:untrusted``, kernel/bpf/btf.c:
    btf_prepare_func_args; Linux 6.17)."""
    if program.btf is None:
        return False
    try:
        return any(
            each.kind is BtfKind.DECL_TAG and each.name == "arg:untrusted" for each in Btf(program.btf)
        )
    except InputError:
        return False
