"""Calls to helpers: the arguments against the prototype, then what the helper gives and changes."""

from __future__ import annotations

from dataclasses import replace

import z3

from ebpf import rules
from ebpf.helpers import Prototype, prototype_for
from ebpf.helpers.variants import SLEEPING, SLEEPING_SINCE
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import LoadFlag
from ebpf.program_rules import may_update_sockmap
from oracles.reference import callbacks, deferred, dynptrs, frames, kernel_pointers, local_objects
from oracles.reference.answer import spans
from oracles.reference.argument_memory import IN_MEMORY
from oracles.reference.argument_values import Arguments
from oracles.reference.arguments import check
from oracles.reference.events import Chance
from oracles.reference.explorer import Explorer
from oracles.reference.releasing import release, release_reference
from oracles.reference.results import results
from oracles.reference.signals import PathEnds, Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import LONGEST_PACKET, UNDEFINED, RegionKind, SymbolicPointer, SymbolicRegion
from oracles.reference.writing import fill
from oracles.terms.term import mask, symbol

KEEP_MEMORY = frozenset({"dynptr_from_mem"})
"""Helpers that are given room and write nothing there."""
CHANGES_CONTEXT = frozenset({
    "get_hash_recalc", "set_hash_invalid", "set_hash", "skb_change_type", "skb_set_tstamp",
    "skb_set_tunnel_key",
    "skb_set_tunnel_opt", "sock_ops_cb_flags_set", "setsockopt", "bind", "sk_assign", "sysctl_set_new_value",
    "set_retval",
})  # fmt: skip
"""Helpers after which fields of the context may hold something else, the packet's own apart."""


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """One call."""
    prototype = prototype_for(insn.imm, x.facts.program.type)
    if prototype is None or insn.imm <= 0:
        x.refuse(s, rules.HELPER_UNKNOWN, f"#{insn.imm}")
        raise Unmodelled("a helper that no kernel has")
    x.may_call(s, prototype)
    paths: list[SymbolicState] = []
    for path in _at_known_places(x, s, prototype):
        try:
            paths += _call(x, path, prototype)
        except PathEnds:
            continue  # what was wrong on it has been noted; others go on
    return paths


def _at_known_places(x: Explorer, s: SymbolicState, prototype: Prototype) -> list[SymbolicState]:
    """A path for each place on the stack that the helper's memory may be at; where these are too many, the
    one path as it is."""
    paths = [s]
    for register, arg in enumerate(prototype.args, 1):
        value = s.registers[register]
        if (
            arg.kind not in IN_MEMORY
            or not isinstance(value, SymbolicPointer)
            or value.region.kind is not RegionKind.STACK
            or isinstance(value.offset, int)
        ):
            continue
        if not x.facts.privileged:
            x.refuse(s, rules.VARIABLE_STACK, f"R{register}")
        try:
            split = [each for path in paths for each in x.split(path, value.offset)]
        except Unmodelled:
            return paths
        for path, place in split:
            path.registers[register] = replace(value, offset=place & mask(64))
        paths = [path for path, _ in split]
    return paths


def _call(x: Explorer, s: SymbolicState, prototype: Prototype) -> list[SymbolicState]:
    found = check(x, s, prototype)
    if prototype.name == "snprintf" and b"%" in (found.string or b""):
        raise Unmodelled("a format with conversions")
    if found.function is not None and prototype.name not in SPECIAL:
        raise Unmodelled(f"the callback of {prototype.name}")
    if (
        prototype.maps is not None
        and found.map is not None
        and x.facts.maps[found.map].type not in prototype.maps
    ):
        x.refuse(s, rules.MAP_HELPER, f"{x.facts.maps[found.map].type.name.lower()} for {prototype.name}")
        raise Unmodelled("a map that the helper does not take")
    if prototype.name in ("map_update_elem", "map_delete_elem") and found.map is not None:
        _of_sockets(x, s, x.facts.maps[found.map], prototype.name == "map_delete_elem")
    if s.lock is not None and prototype.name not in ("spin_unlock", "spin_lock"):
        x.refuse(s, rules.CALL_UNDER_LOCK, prototype.name)
    if s.sections and prototype.sleepable:
        x.refuse(s, rules.SLEEPS_IN_SECTION, prototype.name)
    elif s.sections and prototype.name in SLEEPING and LoadFlag.SLEEPABLE in x.facts.program.flags:
        x.refuse(s, rules.SLEEPS_IN_SECTION, prototype.name, since=SLEEPING_SINCE)
    for written in found.written if prototype.name not in KEEP_MEMORY else ():
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


def _of_sockets(x: Explorer, s: SymbolicState, spec: MapSpec, deletes: bool) -> None:
    """Which programs may change a map of sockets by the general helpers."""
    if spec.type not in (MapType.SOCKMAP, MapType.SOCKHASH):
        return
    program = x.facts.program

    def refuses(release: str) -> bool:
        return not may_update_sockmap(program.type, program.attach_type, deletes, release)

    for since, before in spans(refuses):
        x.refuse(s, rules.MAP_HELPER, f"{spec.type.name.lower()}", since=since, before=before)


def _change_packet(s: SymbolicState) -> None:
    assert s.packet is not None
    number_ = s.number()
    length = symbol(f"packet_length!{number_}")
    s.packet = SymbolicRegion(RegionKind.PACKET, number_, length, writable=s.packet.writable)
    s.packet_bytes.clear()
    s.packet_changed = True
    s.doubted = ()
    s.assume(z3.ULE(length, LONGEST_PACKET))
    s.model = None
    s.context.clear()
    s.stored = (*s.stored, (0, 4))  # __sk_buff's len
    s.unpredictable = True


def _give_back_dynptr(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    release_reference(x, s, dynptrs.submitted(x, s, found.values[0]))
    return dynptrs.nothing(s)


def _spin_lock(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    if s.lock is not None:
        x.violation(s, rules.LOCK_TWICE, "taken twice")
    s.lock = found.lock
    return _done(s)


def _spin_unlock(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    if s.lock is not None and s.lock != found.lock:
        # It may be the same lock, found twice.
        x.refuse(s, rules.UNLOCK_UNHELD, "found by another lookup than the lock that is held")
    if s.lock is None or s.lock != found.lock:
        x.violation(s, rules.UNLOCK_UNHELD, "not held")
    if any(frame.loop is not None for frame in s.frames):
        raise Unmodelled("a lock that is given back in a callback")
    s.lock = None
    local_objects.take_back(s)
    return _done(s)


def _timer_set_callback(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    assert found.timer_of is not None
    assert found.function is not None
    later = deferred.later(x, s, found.timer_of, found.function)
    s.scratch()
    s.registers[0] = result = symbol(f"timer_set_callback!{s.number()}")
    s.note_result(result)
    s.pc += 1
    return [s, later]


def _done(s: SymbolicState) -> list[SymbolicState]:
    s.scratch()
    s.registers[0] = UNDEFINED
    s.pc += 1
    return [s]


def _tail_call(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """Goes on only where the array has no program at the index; the other program is verified on its own.
    That returns to the caller of the function that called it, which gets a result of which nobody knows
    anything (kernel/bpf/verifier.c, check_helper_call, Linux 7.0; before, kernels did not think of it)."""
    if any(frame.loop for frame in s.frames):
        raise Unmodelled("a tail call out of a callback")
    if s.references:
        x.refuse(s, rules.REFERENCE_LEAK, "by a tail call")
    if s.lock is not None:
        x.refuse(s, rules.LOCK_HELD_AT_EXIT, "by a tail call")
    if s.sections:
        x.refuse(s, rules.SECTION_AT_EXIT, "by a tail call")
    other = _in_its_place(s) if len(s.frames) > 1 else []
    if s.packet is not None:
        s.doubted = (*s.doubted, s.packet)
        s.packet = replace(s.packet, id=s.number())
    return [*_done(s), *other]


def _in_its_place(s: SymbolicState) -> list[SymbolicState]:
    """The path on which the other program has run, in the caller: it may have changed packet and context."""
    other = s.fork()
    frames.pop(other)
    if other.packet is not None:
        _change_packet(other)
    other.context.clear()
    other.scratch()
    other.registers[0] = symbol(f"bpf_tail_call!{other.number()}")
    other.certain = False  # only kernels since 7.0 walk this path
    other.note(Chance("a tail call"))
    return [other]


SPECIAL = {
    "kptr_xchg": kernel_pointers.exchange, "spin_lock": _spin_lock, "spin_unlock": _spin_unlock,
    "tail_call": _tail_call, "loop": callbacks.loop,
    "for_each_map_elem": callbacks.for_each, "find_vma": callbacks.find_vma,
    "dynptr_from_mem": dynptrs.from_mem,
    "ringbuf_reserve_dynptr": dynptrs.reserve, "ringbuf_submit_dynptr": _give_back_dynptr,
    "ringbuf_discard_dynptr": _give_back_dynptr, "dynptr_read": dynptrs.read, "dynptr_write": dynptrs.write,
    "dynptr_data": dynptrs.data, "timer_set_callback": _timer_set_callback,
}  # fmt: skip
