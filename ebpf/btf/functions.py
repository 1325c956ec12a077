"""What a program's BTF says of its functions: which are global, whose arguments may be untrusted, and which
one handles exceptions.

Kernels verify each global function on its own, from arguments that its BTF type allows, and walk over calls
of it.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from ebpf.btf.reader import Btf
from ebpf.btf.types import BtfKind, BtfType, Linkage
from ebpf.errors import InputError
from ebpf.isa.insn import Insn
from ebpf.program import Program

_RECORD = struct.Struct("<II")
"""struct bpf_func_info, include/uapi/linux/bpf.h: the first slot of a function, and its type."""
UNTRUSTED = "arg:untrusted"
"""The declaration tag of an argument for which any number may be given: reading through it gives 0 where
there is no memory (kernel/bpf/btf.c: btf_prepare_func_args; Linux 6.17)."""
EXCEPTION_CALLBACK = "exception_callback:"
"""The declaration tag of a main function names the function that bpf_throw calls (kernel/bpf/btf.c:
btf_find_exception_callback; Linux 6.7)."""


def _functions(program: Program, btf: Btf) -> Iterator[tuple[int, BtfType]]:
    info = program.func_info or b""
    if len(info) % _RECORD.size == 0:
        for slot, number in _RECORD.iter_unpack(info):
            kind = btf.type(number)
            if kind.kind is BtfKind.FUNC:
                yield slot, kind


def moved_functions(info: bytes, before: Sequence[Insn], after: Sequence[Insn]) -> bytes:
    """The records of ``before``, for the same functions in ``after``; unchanged where these are not as many,
    or have not one record each."""
    starts, moved = function_starts(before), function_starts(after)
    records = list(_RECORD.iter_unpack(info)) if len(info) % _RECORD.size == 0 else []
    if [slot for slot, _ in records] != starts or len(moved) != len(starts):
        return info
    return b"".join(_RECORD.pack(slot, kind) for slot, (_, kind) in zip(moved, records, strict=True))


def kept_functions(info: bytes, kept: Sequence[int], after: Sequence[Insn]) -> bytes:
    """The records of the functions that are left in ``after``, the slots ``kept`` of another program;
    unchanged where there is not a record for each."""
    if len(info) % _RECORD.size:
        return info
    starts = function_starts(after)
    moved = {bisect_left(kept, slot): kind for slot, kind in reversed(list(_RECORD.iter_unpack(info)))}
    if any(start not in moved for start in starts):
        return info
    return b"".join(_RECORD.pack(start, moved[start]) for start in starts)


def function_starts(insns: Sequence[Insn]) -> list[int]:
    """The slots that a function begins at: the main one, and those that are called or whose address is
    loaded."""
    named = (at + 1 + insn.imm for at, insn in enumerate(insns) if insn.names_subprogram)
    return sorted({0, *(slot for slot in named if slot >= 0)})


def global_functions(program: Program) -> frozenset[int]:
    """The first slots of the program's global functions, the main one apart; none where there is no readable
    BTF."""
    if program.btf is None:
        return frozenset()
    try:
        btf = Btf(program.btf)
        found = _functions(program, btf)
        return frozenset(slot for slot, kind in found if slot and btf.linkage(kind) == Linkage.GLOBAL)
    except InputError:
        return frozenset()


def may_be_untrusted(program: Program) -> bool:
    """Whether a function takes an argument that may be no pointer, and may read through it all the same."""
    return UNTRUSTED in _tags(program)


def exception_callback(program: Program) -> int | None:
    """The first slot of the function that handles the program's exceptions: nothing but its tag refers to
    it."""
    names = [tag[len(EXCEPTION_CALLBACK) :] for tag in _tags(program) if tag.startswith(EXCEPTION_CALLBACK)]
    if not names or program.btf is None:
        return None
    try:
        found = _functions(program, Btf(program.btf))
        return next((slot for slot, kind in found if kind.name in names), None)
    except InputError:
        return None


def _tags(program: Program) -> list[str]:
    """The texts of all declaration tags; none where there is no readable BTF."""
    if program.btf is None or b":" not in program.btf:
        return []
    try:
        return [each.name for each in Btf(program.btf) if each.kind is BtfKind.DECL_TAG]
    except InputError:
        return []
