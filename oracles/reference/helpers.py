"""Calls to helpers: the arguments against the prototype, then what the helper gives and changes."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.helpers import Prototype, ResultKind, prototype_for
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from oracles.reference import callbacks
from oracles.reference.arguments import Arguments, check
from oracles.reference.events import LookedUp, MapWritten, Scripted
from oracles.reference.explorer import Explorer
from oracles.reference.map_kinds import ARRAYS, HASHES, value_region
from oracles.reference.registers import is_pointer, number
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import (
    LONGEST_PACKET,
    UNDEFINED,
    Null,
    RegionKind,
    SymbolicPointer,
    SymbolicRegion,
    Value,
)
from oracles.terms.term import Condition, Term, symbol, z

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
CHANGES_CONTEXT = frozenset({
    "get_hash_recalc", "set_hash_invalid", "set_hash", "skb_change_type", "skb_set_tstamp",
    "skb_set_tunnel_key",
    "skb_set_tunnel_opt", "sock_ops_cb_flags_set", "setsockopt", "bind", "sk_assign", "sysctl_set_new_value",
    "set_retval",
})  # fmt: skip
"""Helpers after which fields of the context may hold something else, the packet's own apart."""
SOCKETS_IN = frozenset({MapType.SOCKMAP, MapType.SOCKHASH, MapType.XSKMAP})
"""Maps whose elements are sockets."""
LOOKED_UP = SOCKETS_IN | {
    MapType.CGROUP_STORAGE,
    MapType.PERCPU_CGROUP_STORAGE,
    MapType.SK_STORAGE,
    MapType.LPM_TRIE,
}
"""Maps beside arrays and hashes in which lookups are modelled."""
OBJECTS = {
    R.SOCKET_OR_NULL: RegionKind.SOCKET, R.SOCK_COMMON_OR_NULL: RegionKind.SOCK_COMMON,
    R.TCP_SOCK_OR_NULL: RegionKind.TCP_SOCK,
}  # fmt: skip


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """One call."""
    prototype = prototype_for(insn.imm, x.facts.program.type)
    if prototype is None or insn.imm <= 0:
        x.refuse(s, rules.HELPER_UNKNOWN, f"#{insn.imm}")
        raise Unmodelled("a helper that no kernel has")
    x.may_call(s, prototype)
    found = check(x, s, prototype)
    if found.function is not None and prototype.name not in SPECIAL:
        raise Unmodelled(f"the callback of {prototype.name}")
    if (
        prototype.maps is not None
        and found.map is not None
        and x.facts.program.maps[found.map].type not in prototype.maps
    ):
        x.refuse(
            s, rules.MAP_HELPER, f"{x.facts.program.maps[found.map].type.name.lower()} for {prototype.name}"
        )
        raise Unmodelled("a map that the helper does not take")
    if s.lock is not None and prototype.name not in ("spin_unlock", "spin_lock"):
        x.refuse(s, rules.CALL_UNDER_LOCK, prototype.name)
    for written in found.written:
        fill(x, s, written.pointer, written.size)
    special = SPECIAL.get(prototype.name)
    if special is not None:
        return special(x, s, found)
    if prototype.releases is not None:
        release(x, s, found.released)
    if prototype.name in CHANGES_CONTEXT:
        s.context.clear()
        s.stored = (*s.stored, (0, 1 << 16))
    if prototype.changes_packet:
        _change_packet(s)
    s.scratch()
    paths = results(x, s, prototype, found)
    for path in paths:
        path.pc += 1
    return paths


def fill(x: Explorer, s: SymbolicState, pointer: SymbolicPointer, size: Term) -> None:
    """Unknown bytes at ``pointer``: what a helper wrote."""
    region = pointer.region
    place = x.constant(s, pointer.offset)
    if region.kind is RegionKind.STACK:
        assert place is not None
        stack = next(f.stack for f in s.frames if f.region is region)
        for at in range(place, place + (size if isinstance(size, int) else 512 - place)):
            if not isinstance(size, int):
                if at in stack.bytes and not is_pointer(stack.bytes[at][0]):
                    stack.store(at, 1, x.chance(s, "helper", 8))
                elif at in stack.bytes:
                    raise Unmodelled("a helper that may overwrite a stored pointer")
                continue
            stack.store(at, 1, x.chance(s, "helper", 8))
    elif region.kind is RegionKind.MAP_VALUE and isinstance(size, int):
        s.note(MapWritten(region, pointer.offset, size, None))
    elif region.kind is RegionKind.PACKET:
        raise Unmodelled("a helper that writes to the packet, which no kernel lets it")
    s.unpredictable = True


def release(x: Explorer, s: SymbolicState, value: SymbolicPointer | Null | None) -> None:
    """Give back what ``value`` refers to; every pointer to it is gone."""
    reference = value.reference if isinstance(value, SymbolicPointer) else None
    if reference is None or reference not in s.references:
        x.violation(s, rules.RELEASE_UNREFERENCED, "no reference is held")
    del s.references[reference]

    def gone(held: Value) -> bool:
        return isinstance(held, SymbolicPointer) and held.reference == reference

    s.registers = [UNDEFINED if gone(held) else held for held in s.registers]
    for frame in s.frames:
        frame.saved = tuple(UNDEFINED if gone(held) else held for held in frame.saved)
        for at, (held, _, _) in list(frame.stack.bytes.items()):
            if gone(held):
                frame.stack.store(at, 1, x.chance(s, "address", 8))


def _change_packet(s: SymbolicState) -> None:
    assert s.packet is not None
    number_ = s.number()
    length = symbol(f"packet_length!{number_}")
    s.packet = SymbolicRegion(RegionKind.PACKET, number_, length, writable=s.packet.writable)
    s.packet_bytes.clear()
    s.packet_changed = True
    s.assume(z3.ULE(length, LONGEST_PACKET))
    s.model = None
    s.context.clear()
    s.unpredictable = True


def results(x: Explorer, s: SymbolicState, prototype: Prototype, found: Arguments) -> list[SymbolicState]:
    """The paths after the call, R0 set."""
    result = prototype.result
    if result is R.VOID:
        s.registers[0] = UNDEFINED
        return [s]
    if result is R.INTEGER:
        value = symbol(f"{prototype.name}!{s.number()}")
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
        held = next(
            (v.reference for v in found.values if isinstance(v, SymbolicPointer) and v.reference), None
        )
        return _or_null(x, s, region, prototype.acquires, held)
    if result is R.ALLOC_MEM_OR_NULL:
        return _or_null(
            x,
            s,
            SymbolicRegion(RegionKind.RING_BUFFER, s.number(), found.size or 0),
            prototype.acquires,
            None,
        )
    raise Unmodelled(f"helper results: {result.value}")


def _or_null(
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
    spec = x.facts.program.maps[found.map]
    if spec.type in (MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS):
        raise Unmodelled("maps of maps")
    if spec.type not in ARRAYS | HASHES:
        if spec.type in SOCKETS_IN:
            kind = RegionKind.XDP_SOCK if spec.type is MapType.XSKMAP else RegionKind.SOCKET
            return _or_null(
                x, s, SymbolicRegion(kind, s.number(), writable=False), spec.type is not MapType.XSKMAP, None
            )
        if spec.type not in LOOKED_UP:
            raise Unmodelled(f"lookups in a {spec.type.name.lower()} map")
    region = value_region(s.number(), found.map, spec, str(found.key) if found.key is not None else "")
    if not nullable:
        s.registers[0] = SymbolicPointer(region, 0)
        return [s]
    # A kernel that does not look into the key thinks both possible.
    present = None if x.by_ranges else _present(spec, found.key)
    check_ = s.number()
    yes, no = x.branch(s, present) if present is not None else (s, s.fork())
    paths = []
    if yes is not None:
        yes.registers[0] = SymbolicPointer(region, 0, check_)
        yes.note(LookedUp(found.map, found.key, region))
        paths.append(yes)
    if no is not None:
        no.registers[0] = Null(check_, RegionKind.MAP_VALUE)
        no.note(LookedUp(found.map, found.key, None))
        paths.append(no)
    if _present(spec, found.key) is True:
        x.ledger.elided.setdefault(check_, ELIDED_SINCE)
    return paths


def _present(spec: MapSpec, key: Term | None) -> Condition | None:
    """Whether a key is there; None where others decide."""
    if spec.type not in ARRAYS or key is None:
        return None
    return key < spec.max_entries if isinstance(key, int) else z3.ULT(key, spec.max_entries)


def _spin_lock(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    if s.lock is not None:
        x.violation(s, rules.LOCK_TWICE, "taken twice")
    s.lock = found.lock
    return _done(s)


def _spin_unlock(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    if s.lock is None or s.lock != found.lock:
        x.violation(s, rules.UNLOCK_UNHELD, "not held")
    s.lock = None
    return _done(s)


def _done(s: SymbolicState) -> list[SymbolicState]:
    s.scratch()
    s.registers[0] = UNDEFINED
    s.pc += 1
    return [s]


def _tail_call(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """Goes on only where the array has no program at the index; the other program is verified on its own."""
    if len(s.frames) > 1:
        # The other program returns to this function's caller, which gets its result and a packet it may have
        # changed.
        raise Unmodelled("a tail call out of a function")
    if s.references:
        x.refuse(s, rules.REFERENCE_LEAK, "by a tail call")
    if s.lock is not None:
        x.refuse(s, rules.LOCK_HELD_AT_EXIT, "by a tail call")
    return _done(s)


SPECIAL = {
    "spin_lock": _spin_lock, "spin_unlock": _spin_unlock, "tail_call": _tail_call, "loop": callbacks.loop,
    "for_each_map_elem": callbacks.for_each,
}  # fmt: skip
