"""What helpers give: R0 on each path after the call."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.helpers import Prototype, ResultKind
from ebpf.helpers.ownership import GIVEN_STRUCTURES, VIEWS
from ebpf.helpers.result_ranges import U32_RESULTS, given_range
from ebpf.helpers.script import is_followed
from ebpf.maps import MapSpec, MapType
from oracles.reference.argument_values import Arguments
from oracles.reference.events import LookedUp, Scripted
from oracles.reference.explorer import Explorer
from oracles.reference.map_kinds import ARRAYS, HASHES, inner_map, value_region
from oracles.reference.registers import number
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import UNDEFINED, Null, RegionKind, SymbolicPointer, SymbolicRegion
from oracles.terms.term import Condition, Term, name_of, symbol, z

R = ResultKind
DETERMINED = frozenset(
    {"map_update_elem", "map_delete_elem", "skb_load_bytes", "csum_diff", "loop", "for_each_map_elem"}
)
"""Helpers whose result a run computes from the program and its input."""
RETURNS_SIZE = {
    name: 3 if "get_stack" in name else 2
    for name in (
        "get_stack",
        "get_task_stack",
        "probe_read_str",
        "probe_read_kernel_str",
        "probe_read_user_str",
    )
}
"""Helpers that give how much they wrote, and the argument that says how much they may."""
ELIDED_SINCE = (6, 15)
"""A lookup of a constant index that the array has gives no null any more (kernel/bpf/verifier.c,
get_constant_map_key)."""
SOCKETS_IN = frozenset({MapType.SOCKMAP, MapType.SOCKHASH, MapType.XSKMAP})
"""Maps whose elements are sockets."""
LOOKED_UP = SOCKETS_IN | {
    MapType.CGROUP_STORAGE,
    MapType.PERCPU_CGROUP_STORAGE,
    MapType.SK_STORAGE,
    MapType.INODE_STORAGE,
    MapType.TASK_STORAGE,
    MapType.CGRP_STORAGE,
    MapType.LPM_TRIE,
}
"""Maps beside arrays and hashes in which lookups are modelled."""
INNER = frozenset({MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS})
"""Maps whose elements are maps."""
OBJECTS = {
    R.SOCKET_OR_NULL: RegionKind.SOCKET, R.SOCK_COMMON_OR_NULL: RegionKind.SOCK_COMMON,
    R.TCP_SOCK_OR_NULL: RegionKind.TCP_SOCK,
}  # fmt: skip


def results(x: Explorer, s: SymbolicState, prototype: Prototype, found: Arguments) -> list[SymbolicState]:
    """The paths after the call, R0 set."""
    result = prototype.result
    if result is R.VOID:
        s.registers[0] = UNDEFINED
        return [s]
    if result is R.INTEGER:
        value = _integer(x, s, prototype)
        limit = RETURNS_SIZE.get(prototype.name)
        if limit is not None:
            # At most as many bytes as there is room for, or an error (kernel/bpf/verifier.c:
            # do_refine_retval_range).
            room = number(s, found.values[limit - 1])
            s.assume(z3.And(value >= -4095, value <= z(room)))
            s.model = None
        s.registers[0] = value
        if prototype.name not in DETERMINED:
            s.note(Scripted(value))
        return [s]
    if result in (R.MAP_VALUE_OR_NULL, R.MAP_VALUE):
        return _lookup(x, s, found, nullable=result is R.MAP_VALUE_OR_NULL)
    if result in OBJECTS:
        number_ = s.number()
        region = SymbolicRegion(OBJECTS[result], number_, writable=False)
        return or_null(x, s, region, prototype.acquires, _shared(prototype, found))
    if result in (R.BTF_ID, R.BTF_ID_OR_NULL):
        struct = GIVEN_STRUCTURES.get(prototype.name, "")
        region = SymbolicRegion(RegionKind.KERNEL, s.number(), writable=False, struct=struct)
        if result is R.BTF_ID_OR_NULL:
            return or_null(x, s, region, prototype.acquires, _shared(prototype, found))
        s.registers[0] = SymbolicPointer(region, 0)
        return [s]
    if result in (R.MEM_OR_BTF_ID, R.MEM_OR_BTF_ID_OR_NULL):
        size = next(v.region.size for v in found.values if isinstance(v, SymbolicPointer))
        region = SymbolicRegion(RegionKind.MEMORY, s.number(), size, writable=False)
        if result is R.MEM_OR_BTF_ID_OR_NULL:
            return or_null(x, s, region, False, None)
        s.registers[0] = SymbolicPointer(region, 0)
        return [s]
    if result is R.ALLOC_MEM_OR_NULL:
        return or_null(
            x,
            s,
            SymbolicRegion(RegionKind.RING_BUFFER, s.number(), found.size or 0),
            prototype.acquires,
            None,
        )
    raise Unmodelled(f"helper results: {result.value}")


def _shared(prototype: Prototype, found: Arguments) -> int | None:
    """The reference that keeps the result alive, where that is a view of an argument."""
    if prototype.name not in VIEWS:
        return None
    return next((v.reference for v in found.values if isinstance(v, SymbolicPointer) and v.reference), None)


def _integer(x: Explorer, s: SymbolicState, prototype: Prototype) -> z3.BitVecRef:
    """What a helper gives, which is no wider than its type; kernels take it for any number."""
    name = f"{prototype.name}!{s.number()}"
    if x.by_ranges:
        return symbol(name)
    if prototype.name in U32_RESULTS:
        return z3.ZeroExt(32, symbol(name, 32))
    value, limits = symbol(name), given_range(prototype, 0)
    if limits is not None and prototype.name not in RETURNS_SIZE:
        s.assume(z3.And(value >= limits[0], value <= limits[1]))
        s.model = None
    return value


def or_null(
    x: Explorer, s: SymbolicState, region: SymbolicRegion, acquires: bool, held: int | None
) -> list[SymbolicState]:
    """The call succeeds, or it gives null."""
    failed = s.fork()
    check_ = s.number()
    failed.fresh = s.fresh
    failed.registers[0] = Null(check_, region.kind)
    failed.note(Scripted(0))
    reference = held
    if acquires:
        reference = check_
        s.references[check_] = (region, s.pc)
    s.registers[0] = SymbolicPointer(region, 0, check_, reference=reference)
    s.note(Scripted(1))
    return [s, failed]


def _lookup(x: Explorer, s: SymbolicState, found: Arguments, nullable: bool) -> list[SymbolicState]:
    if not nullable and not (isinstance(found.values[1], int) and found.values[1] == 0):
        x.refuse(s, rules.HELPER_ARGUMENT, "R2: flags are not 0")
    if found.map is None:
        raise Unmodelled("a lookup in a map that is not known")
    spec = x.facts.maps[found.map]
    if spec.type in INNER:
        inside = inner_map(x.facts.program, found.map) if found.map < len(x.facts.program.maps) else None
        if inside is None:
            raise Unmodelled("maps of maps without an inner map")
        return or_null(
            x, s, SymbolicRegion(RegionKind.MAP, s.number(), map=inside, writable=False), False, None
        )
    if spec.type not in ARRAYS | HASHES:
        if spec.type in SOCKETS_IN:
            kind = RegionKind.XDP_SOCK if spec.type is MapType.XSKMAP else RegionKind.SOCKET
            return or_null(
                x, s, SymbolicRegion(kind, s.number(), writable=False), spec.type is not MapType.XSKMAP, None
            )
        if spec.type not in LOOKED_UP:
            raise Unmodelled(f"lookups in a {spec.type.name.lower()} map")
    region = value_region(s.number(), found.map, spec, name_of(found.key) if found.key is not None else "")
    if not nullable:
        s.registers[0] = SymbolicPointer(region, 0)
        return [s]
    # A kernel that does not look into the key thinks both possible.
    present = None if x.by_ranges else _present(spec, found.key)
    check_ = s.number()
    yes, no = x.branch(s, present) if present is not None else (s, s.fork())
    paths, followed = [], is_followed(spec)
    if yes is not None:
        yes.registers[0] = SymbolicPointer(region, 0, check_)
        yes.note(LookedUp(found.map, found.key, region) if followed else Scripted(1))
        paths.append(yes)
    if no is not None:
        no.registers[0] = Null(check_, RegionKind.MAP_VALUE)
        no.note(LookedUp(found.map, found.key, None) if followed else Scripted(0))
        paths.append(no)
    if _present(spec, found.key) is True:
        x.ledger.elided.setdefault(check_, ELIDED_SINCE)
    return paths


def _present(spec: MapSpec, key: Term | None) -> Condition | None:
    """Whether a key is there; None where others decide."""
    if spec.type not in ARRAYS or key is None:
        return None
    return key < spec.max_entries if isinstance(key, int) else z3.ULT(key, spec.max_entries)
