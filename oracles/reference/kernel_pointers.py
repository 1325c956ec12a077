"""Kernel pointers in map values: loaded as a whole, and exchanged (kernel/bpf/verifier.c:
check_map_kptr_access, process_kptr_func; Linux 6.12)."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from ebpf import rules
from ebpf.kfuncs import PROTECTED_BY_RCU
from ebpf.maps import KERNEL_POINTERS, MapField, MapFieldKind
from oracles.reference.argument_values import Arguments
from oracles.reference.explorer import Explorer
from oracles.reference.releasing import release
from oracles.reference.results import or_null
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import RegionKind, SymbolicPointer, SymbolicRegion, Trust, Value
from oracles.terms.term import equal, mask

REFERENCED_SINCE = (6, 4)
"""What is tagged "kptr" holds a reference; before, it was what "kptr_untrusted" is now (kernel/bpf/btf.c:
btf_find_kptr)."""


def field_of(x: Explorer, pointer: SymbolicPointer, offset: int, size: int) -> MapField | None:
    """The kernel pointer that an access of ``size`` bytes is to the whole of."""
    region = pointer.region
    if region.kind is not RegionKind.MAP_VALUE or region.map is None or not isinstance(pointer.offset, int):
        return None
    place = (pointer.offset + offset) & mask(64)
    for field in x.facts.maps[region.map].fields:
        if field.kind in KERNEL_POINTERS and (field.offset, field.kind.size) == (place, size):
            return field
    return None


def load(x: Explorer, s: SymbolicState, field: MapField) -> list[tuple[SymbolicState, Value]]:
    """A pointer that nothing but RCU keeps, if that, or null."""
    protected = field.kind is MapFieldKind.KPTR and field.to in PROTECTED_BY_RCU and x.in_rcu(s)
    trust = Trust.PROTECTED if protected else Trust.NONE
    region = SymbolicRegion(RegionKind.KERNEL, s.number(), writable=False, struct=field.to, trust=trust)
    # The register that a call's result would be in is needed for what it holds.
    kept = s.registers[0]
    paths = or_null(x, s, region, False, None)
    loaded = [(path, path.registers[0]) for path in paths]
    for path in paths:
        path.registers[0] = kept
    return loaded


def store(x: Explorer, s: SymbolicState, field: MapField) -> NoReturn:
    """What holds a reference is exchanged only; in others, only pointers of its type are put."""
    if field.kind is MapFieldKind.KPTR:
        x.refuse(s, rules.SPECIAL_FIELD, "a store to a kernel pointer", since=REFERENCED_SINCE)
    raise Unmodelled("stores to kernel pointers in map values")


def exchange(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_kptr_xchg(place, pointer or null): R0 is what was there."""
    field, given = found.field, found.released
    assert field is not None
    if isinstance(given, SymbolicPointer):
        if not given.region.struct:
            raise Unmodelled("a kernel structure of unknown type")
        if given.region.struct != field.to:
            x.violation(s, rules.HELPER_ARGUMENT, f"R2 is a {given.region.struct}, not a {field.to}")
        x.require(s, equal(given.offset, 0), rules.HELPER_ARGUMENT, "R2 was moved")
        release(x, s, given)
    s.scratch()
    region = SymbolicRegion(RegionKind.KERNEL, s.number(), writable=False, struct=field.to)
    paths = or_null(x, s, region, True, None)
    for path in paths:
        path.pc += 1
    return paths


def end_protection(x: Explorer, s: SymbolicState) -> None:
    """An RCU read-side critical section is over: what was loaded in it is kept by nothing, or by the section
    around it, which kernels see (7.3) or not (6.12)."""
    trust = Trust.DOUBTED if x.in_rcu(s) else Trust.NONE
    lost: dict[SymbolicRegion, SymbolicRegion] = {}

    def renewed(value: Value) -> Value:
        if isinstance(value, SymbolicPointer) and value.region.trust is Trust.PROTECTED:
            region = lost.setdefault(value.region, replace(value.region, trust=trust))
            return replace(value, region=region, check=None)
        return value

    s.rewrite(renewed)
