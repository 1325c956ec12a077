"""Where an access goes: which memory, and whether all of it is inside."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.maps import KERNEL_POINTERS
from ebpf.program import LoadFlag
from ebpf.program_rules import PACKET_WRITERS
from ebpf.rules import Rule
from ebpf.wording import in_bytes
from oracles.reference.explorer import Explorer
from oracles.reference.registers import number
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import Null, RegionKind, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.intervals import Ranges
from oracles.terms.term import Condition, Term, add, conjunction, mask, negation, to_signed, z

BOUNDS: dict[RegionKind, Rule] = {
    RegionKind.STACK: rules.STACK_BOUNDS, RegionKind.MAP_VALUE: rules.MAP_VALUE_BOUNDS,
    RegionKind.PACKET: rules.PACKET_BOUNDS,
    RegionKind.CONTEXT: rules.CONTEXT_BOUNDS, RegionKind.MEMORY: rules.MEMORY_BOUNDS,
    RegionKind.RING_BUFFER: rules.MEMORY_BOUNDS, RegionKind.OBJECT: rules.MEMORY_BOUNDS,
    RegionKind.FLOW_KEYS: rules.MEMORY_BOUNDS, RegionKind.TRACEPOINT_BUFFER: rules.MEMORY_BOUNDS,
}  # fmt: skip


MAX_PACKET_OFFSET = 0xFFFF
"""MAX_PACKET_OFF, include/linux/bpf_verifier.h: kernels know of no packet byte beyond it."""


def within(offset: Term, size: int, region: Term) -> Condition:
    """Whether ``size`` bytes at ``offset`` (signed) lie in a region of ``region`` bytes."""
    if isinstance(offset, int) and isinstance(region, int):
        return to_signed(offset, 64) >= 0 and to_signed(offset, 64) + size <= region
    if isinstance(offset, int) and not 0 <= to_signed(offset, 64) <= (1 << 40):
        return False
    # Both sides far from the ends of 64 bits: region sizes are small, and an offset below 0 is a huge
    # unsigned number.
    if isinstance(region, int):
        if region < size:
            return False
        return z3.ULE(z(offset), region - size)
    if isinstance(offset, int):
        return z(region) >= offset + size
    return conjunction(z3.ULE(z(offset), 1 << 40), z(region) >= z(offset) + size)


def probes(x: Explorer, s: SymbolicState) -> bool:
    """Whether a read here may go through an argument that may be untrusted: it gives 0 where there is no
    memory, so that it cannot be wrong."""
    return x.facts.untrusted and len(s.frames) > 1


def target(x: Explorer, s: SymbolicState, base: Value, write: bool) -> SymbolicPointer:
    """The pointer that an access goes through; anything else is a fault."""
    if not (write or isinstance(base, SymbolicPointer)) and probes(x, s):
        raise Unmodelled("a read through an argument that may be untrusted")
    if isinstance(base, Null):
        x.violation(s, rules.NULL_DEREFERENCE, "the pointer may be null")
    if not isinstance(base, SymbolicPointer):
        value = number(s, base)
        if isinstance(value, int):
            x.violation(
                s,
                rules.NULL_DEREFERENCE if value == 0 else rules.SCALAR_DEREFERENCE,
                f"0x{value:x} is a number",
            )
        if x.possible(s, value != 0):
            x.require(s, value == 0, rules.SCALAR_DEREFERENCE, "a number")
        x.violation(s, rules.NULL_DEREFERENCE, "the number 0")
    if base.check is not None:
        x.unchecked(s, base.check, rules.NULL_CHECK, base.region.kind.value)
    if base.end:
        x.violation(s, rules.PACKET_BOUNDS, "at the packet's end")
    if write and base.region.kind is RegionKind.PACKET and x.facts.program.type not in PACKET_WRITERS:
        x.refuse(s, rules.READ_ONLY, "packet")
    if write and not base.region.writable:
        x.violation(s, rules.READ_ONLY, base.region.kind.value)
    if not write and not base.region.readable:
        x.refuse(s, rules.READ_ONLY, f"{base.region.kind.value} is write-only")
    return base


def check(
    x: Explorer, s: SymbolicState, pointer: SymbolicPointer, offset: int, size: int, write: bool
) -> list[tuple[SymbolicState, Term]]:
    """The paths on which ``size`` bytes at ``pointer + offset`` are accessed, all inside the region, and
    where."""
    region = pointer.region
    place = add(pointer.offset, offset & mask(64))
    if region.kind is RegionKind.STACK and region.frame not in [f.region.frame for f in s.frames]:
        x.violation(s, rules.STACK_BOUNDS, "the frame is gone")
    if region.kind not in BOUNDS:
        if region.kind is RegionKind.MAP and x.facts.privileged:
            if isinstance(place, int) and to_signed(place, 64) < 0:
                x.violation(
                    s, rules.MEMORY_BOUNDS, f"{in_bytes(size)} at {region.kind.value}{to_signed(place, 64)}"
                )
            raise Unmodelled("the fields of struct bpf_map")
        if region.kind is RegionKind.MAP:
            x.refuse(s, rules.CONFIDENTIAL_LOAD, "")
        raise Unmodelled(f"accesses through {region.kind.value}")
    if region.kind is RegionKind.STACK and not isinstance(place, int) and not x.facts.privileged:
        x.refuse(s, rules.VARIABLE_STACK, "")
    if region.kind is RegionKind.TRACEPOINT_BUFFER and not (
        isinstance(place, int) and to_signed(place, 64) >= 0
    ):
        # How far it goes is asked when the program is attached (__check_buffer_access).
        x.refuse(s, rules.MEMORY_BOUNDS, "a tracepoint's buffer before its start, or anywhere")
        raise Unmodelled("a tracepoint's buffer before its start, or anywhere")
    require_fresh(x, s, region)
    if x.by_ranges and region.kind is RegionKind.PACKET and not isinstance(place, int):
        raise Unmodelled("ranges of packet pointers at variable offsets")
    if region.kind is RegionKind.PACKET and s.metadata is not None:
        inside = within(add(place, s.metadata), size, add(region.size, s.metadata))
    else:
        inside = within(place, size, region.size)
    if not write and probes(x, s) and x.possible(s, negation(inside)):
        raise Unmodelled("a read through an argument that may be untrusted")
    x.require(s, inside, BOUNDS[region.kind], _describe(region, place, size))
    if region.kind is RegionKind.PACKET:
        require_near(x, s, place, size)
    _alignment(x, s, region, place, size)
    special_fields(x, s, region, place, size, helper=False)
    if region.kind is RegionKind.STACK:
        paths = x.split(s, place)
        for path, at in paths:
            frame = next(f for f in path.frames if f.region is region)
            frame.stack.touch(at)
        return list(paths)
    return [(s, place)]


def _describe(region: SymbolicRegion, place: Term, size: int) -> str:
    """An access; a known place on the stack is named by R10."""
    if region.kind is not RegionKind.STACK or not isinstance(place, int):
        return f"{in_bytes(size)} at {region.kind.value}"
    return f"{in_bytes(size)} at {region.kind.value}{to_signed(place, 64) - STACK_SIZE:+d}"


TAIL_CALLS_CHANGE_PACKETS, TAIL_CALLS_CHANGE_NONE = (6, 6), (6, 18)
"""From the one to the other, kernels take a tail call, even one that failed, for a change of the packet
(bpf_helper_changes_pkt_data; CVE-2024-58237, with its stable kernels).  The end is "bpf: tail calls do not
modify packet data": 6.12.117 refuses what 6.1.176, 6.18.15, 7.1.13 and 7.3.4 take."""


def require_fresh(x: Explorer, s: SymbolicState, region: SymbolicRegion) -> None:
    """A pointer into the packet is from after the last call that may have changed it."""
    if region.kind is not RegionKind.PACKET or region is s.packet:
        return
    if region in s.doubted:
        since, before = TAIL_CALLS_CHANGE_PACKETS, TAIL_CALLS_CHANGE_NONE
        x.refuse(s, rules.STALE_PACKET_POINTER, "from before a tail call", since=since, before=before)
    else:
        x.violation(s, rules.STALE_PACKET_POINTER, "from before a call that may change the packet")


def require_near(x: Explorer, s: SymbolicState, place: Term, size: int) -> None:
    """No input accesses what lies beyond the packet bytes that a comparison can vouch for: where a pointer
    may be farther in, kernels learn nothing from comparing it."""
    if isinstance(place, int):
        far = to_signed(place, 64) + size > MAX_PACKET_OFFSET
    elif Ranges([]).of(place).most + size <= MAX_PACKET_OFFSET:
        return
    else:
        far = x.possible(s, place + size > MAX_PACKET_OFFSET)
    if far:
        x.refuse(s, rules.PACKET_OFFSET_LIMIT, f"{in_bytes(size)}")


def _alignment(x: Explorer, s: SymbolicState, region: SymbolicRegion, place: Term, size: int) -> None:
    strict = LoadFlag.STRICT_ALIGNMENT in x.facts.program.flags
    if size == 1 or not (strict or region.kind is RegionKind.STACK):
        return
    if region.kind is RegionKind.PACKET:
        place = add(place, 2)  # NET_IP_ALIGN: strict alignment counts packet bytes from a header of 14
    off = place % size != 0 if isinstance(place, int) else x.possible(s, z(place) & (size - 1) != 0)
    if off:
        x.refuse(
            s,
            rules.STACK_MISALIGNED if region.kind is RegionKind.STACK else rules.MISALIGNED,
            f"{in_bytes(size)}",
        )


def _in_object(x: Explorer, s: SymbolicState, region: SymbolicRegion, place: Term, size: int) -> None:
    """A part of one member of an object of the program's, at an offset that is known (btf_struct_access)."""
    kind = next(each for each in x.facts.types if each.name == region.struct)
    if not isinstance(place, int):
        raise Unmodelled("an object of the program's at an offset that is not known")
    for field in kind.fields:
        if field.offset < place + size and place < field.offset + field.kind.size:
            x.violation(s, rules.SPECIAL_FIELD, field.kind.value)
    if not any(at <= place and place + size <= at + wide for at, wide in kind.words):
        raise Unmodelled("an access to more than one member")


def special_fields(
    x: Explorer, s: SymbolicState, region: SymbolicRegion, place: Term, size: int, *, helper: bool
) -> None:
    """Locks, timers and kernel pointers in a map's value are for their helpers only; a kernel pointer is also
    loaded and stored as a whole (kernel/bpf/verifier.c, check_map_access).  ``helper``: one is given the
    memory."""
    if region.kind is RegionKind.OBJECT:
        _in_object(x, s, region, place, size)
    if region.kind is not RegionKind.MAP_VALUE or region.map is None:
        return
    for field in x.facts.maps[region.map].fields:
        low, high = field.offset - size + 1, field.offset + field.kind.size
        over = (
            low <= to_signed(place, 64) < high
            if isinstance(place, int)
            else conjunction(place >= low, place < high)
        )
        if field.kind in KERNEL_POINTERS and not (helper or isinstance(place, int)):
            if not x.possible(s, over):
                continue
            x.refuse(s, rules.SPECIAL_FIELD, f"a {field.kind.value} at an offset that is not constant")
            raise Unmodelled("kernel pointers in map values")
        x.require(s, negation(over), rules.SPECIAL_FIELD, field.kind.value)
