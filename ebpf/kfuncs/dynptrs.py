"""Kernel functions on dynptrs: memory of a known size whose address the program never has
(kernel/bpf/helpers.c: bpf_dynptr_slice and those that follow; net/core/filter.c; Linux 6.12)."""

from __future__ import annotations

from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.prototype import DynptrUse, KernelArg, KernelFunction
from ebpf.kfuncs.prototype import KernelArgKind as A

SIZE = 16
"""Of struct bpf_dynptr (include/uapi/linux/bpf.h)."""
MAX_SIZE = 0xFF_FFFF
"""DYNPTR_MAX_SIZE, kernel/bpf/helpers.c."""
_DYNPTR, _NEW = KernelArg(A.DYNPTR, "", SIZE), KernelArg(A.NEW_DYNPTR, "", SIZE)
_NUMBER, _CONTEXT = KernelArg(A.NUMBER), KernelArg(A.CONTEXT)
_SLICE = (_DYNPTR, _NUMBER, KernelArg(A.BUFFER_OR_NULL), KernelArg(A.CONSTANT_SIZE))


def _row(
    name: str, use: DynptrUse, *args: KernelArg, hook: Hook = Hook.COMMON, since: str = "6.12"
) -> KernelFunction:
    nullable = use in (DynptrUse.SLICE, DynptrUse.SLICE_TO_WRITE)
    return KernelFunction(f"bpf_dynptr_{name}", args, hook, since, nullable=nullable, dynptr=use)


ROWS = (
    _row("size", DynptrUse.SIZE, _DYNPTR),
    _row("is_null", DynptrUse.IS_NULL, _DYNPTR),
    _row("is_rdonly", DynptrUse.IS_READ_ONLY, _DYNPTR),
    _row("adjust", DynptrUse.ADJUST, _DYNPTR, _NUMBER, _NUMBER),
    _row("clone", DynptrUse.CLONE, _DYNPTR, _NEW),
    _row("slice", DynptrUse.SLICE, *_SLICE),
    _row("slice_rdwr", DynptrUse.SLICE_TO_WRITE, *_SLICE),
    _row("from_skb", DynptrUse.FROM_PACKET, _CONTEXT, _NUMBER, _NEW, hook=Hook.SOCKET_BUFFER),
    _row("from_xdp", DynptrUse.FROM_PACKET, _CONTEXT, _NUMBER, _NEW, hook=Hook.XDP),
)
