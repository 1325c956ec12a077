"""Loads and stores, on every path that they give."""

from __future__ import annotations

from ebpf import rules
from oracles.reference import context, kernel_pointers
from oracles.reference.contents import read_content, write_content
from oracles.reference.explorer import Explorer
from oracles.reference.places import check, target
from oracles.reference.state import SymbolicState
from oracles.reference.values import SOCKETS, RegionKind, Value

REWRITTEN = SOCKETS | {RegionKind.CONTEXT, RegionKind.KERNEL}
"""Kinds whose accesses kernels rewrite, each in its own way (kernel/bpf/verifier.c, reg_type_mismatch_ok)."""


def _one_kind(x: Explorer, s: SymbolicState, kind: RegionKind) -> None:
    earlier = x.ledger.kinds.setdefault(s.pc, kind)
    if earlier is not kind and (earlier in REWRITTEN or kind in REWRITTEN):
        x.refuse(s, rules.MIXED_POINTERS, f"{earlier.value} and {kind.value}")


def load(
    x: Explorer, s: SymbolicState, base: Value, offset: int, size: int
) -> list[tuple[SymbolicState, Value]]:
    """The value of a load on each path; a whole stored pointer stays one."""
    pointer = target(x, s, base, write=False)
    kind = pointer.region.kind
    _one_kind(x, s, kind)
    if kind is RegionKind.CONTEXT:
        return context.load(x, s, pointer, offset, size)
    if kind in SOCKETS:
        return [(s, context.load_socket(x, s, pointer, offset, size))]
    field = kernel_pointers.field_of(x, pointer, offset, size)
    if field is not None:
        return kernel_pointers.load(x, s, field)
    loaded: list[tuple[SymbolicState, Value]] = []
    known = isinstance(pointer.offset, int)
    for path, place in check(x, s, pointer, offset, size, write=False):
        loaded.append((path, read_content(x, path, pointer.region, place, size, known=known)))
    return loaded


def store(
    x: Explorer,
    s: SymbolicState,
    base: Value,
    offset: int,
    size: int,
    value: Value,
    *,
    constant: bool = False,
) -> list[SymbolicState]:
    """Store the low ``size`` bytes of ``value``; ``constant``: by BPF_ST."""
    pointer = target(x, s, base, write=True)
    region = pointer.region
    _one_kind(x, s, region.kind)
    if region.kind is RegionKind.CONTEXT:
        context.store(x, s, pointer, offset, size, value, constant=constant)
        return [s]
    field = kernel_pointers.field_of(x, pointer, offset, size)
    if field is not None:
        kernel_pointers.store(x, s, field)
    known = isinstance(pointer.offset, int)
    paths = check(x, s, pointer, offset, size, write=True)
    for path, place in paths:
        write_content(x, path, region, place, size, value, known=known)
    return [path for path, _ in paths]
