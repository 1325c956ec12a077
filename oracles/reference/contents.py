"""What memory holds, and what a store leaves there."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.maps import MapType
from ebpf.wording import in_bytes
from oracles.reference.events import Chance, MapRead, MapWritten, PacketRead
from oracles.reference.explorer import Explorer
from oracles.reference.map_kinds import READ_ONLY_PROGRAM
from oracles.reference.overlaps import destroy_overlapped, is_current, overlapped
from oracles.reference.registers import is_pointer, number
from oracles.reference.state import SymbolicState
from oracles.reference.values import FrameStack, Null, RegionKind, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.bytes import joined, split
from oracles.terms.term import Term, add, extract, symbol, zero_extend


def read_content(
    x: Explorer, s: SymbolicState, region: SymbolicRegion, place: Term, size: int, *, known: bool
) -> Value:
    if region.kind is RegionKind.STACK:
        assert isinstance(place, int)
        return _from_stack(x, s, region, place, size, known=known)
    if region.kind is RegionKind.PACKET:
        if not x.solver.relates:
            s.packet_bytes.clear()
        held = [packet_byte(s, add(place, n)) for n in range(size)]
        return zero_extend(joined(held, x.facts.order), 8 * size)
    if region.content is not None and isinstance(place, int) and is_current(s, region):
        assert isinstance(region.size, int)
        held = split(region.content, region.size, x.facts.order)[place : place + size]
        return zero_extend(joined(held, x.facts.order), 8 * size)
    frozen = (
        frozen_value(x, region) if region.kind is RegionKind.MAP_VALUE and isinstance(place, int) else None
    )
    if frozen is not None:
        return x.facts.order.number(frozen[place : place + size])
    value = zero_extend(symbol(f"{region.kind.value}{region.map}!{s.number()}", 8 * size), 8 * size)
    if region.kind is RegionKind.MAP_VALUE:
        s.note(MapRead(region, place, size, value))
    else:
        s.note(Chance(region.kind.value))
    return value


def frozen_value(x: Explorer, region: SymbolicRegion) -> bytes | None:
    """The value of a map that nobody can write any more, as .rodata becomes one: part of the program, and
    kernels take it so (kernel/bpf/verifier.c, check_mem_access, bpf_map_is_rdonly; Linux 6.12)."""
    spec = None if region.map is None else x.facts.maps[region.map]
    if (
        spec is None
        or not spec.flags & READ_ONLY_PROGRAM
        or spec.type is not MapType.ARRAY
        or spec.max_entries != 1
    ):
        return None
    return spec.contents[0][1] if spec.contents else bytes(spec.value_size)


def packet_byte(s: SymbolicState, place: Term) -> Term:
    """One byte of the packet."""
    if isinstance(place, int) and place in s.packet_bytes:
        return s.packet_bytes[place]
    byte = symbol(f"packet!{s.number()}", 8)
    s.note(Chance("packet") if s.packet_changed else PacketRead(place, byte))
    if isinstance(place, int):
        s.packet_bytes[place] = byte
    return byte


def _from_stack(
    x: Explorer, s: SymbolicState, region: SymbolicRegion, place: int, size: int, *, known: bool
) -> Value:
    """``known``: the offset is a constant; at any other, kernels take stored pointers for numbers
    (check_stack_read_var_off)."""
    stack = next(f for f in s.frames if f.region is region).stack
    if overlapped(stack, place, size):
        x.violation(s, rules.STACK_OBJECT, f"{in_bytes(size)} at fp{place - STACK_SIZE}")
    value = stack.whole(place, size)
    if size == 8 and value is not None and is_pointer(value):
        return value
    if stack.missing(place, size):
        if x.facts.privileged:
            x.refuse(
                s, rules.UNINITIALISED_STACK, f"{in_bytes(size)} at fp{place - STACK_SIZE}", before=(6, 1)
            )
        else:
            x.require(s, False, rules.UNINITIALISED_STACK, f"{in_bytes(size)} at fp{place - STACK_SIZE}")
    if known and stack.pointer_parts(place, size):
        x.refuse(s, rules.SPILL_SIZE, f"{in_bytes(size)} of a stored pointer are loaded")
    for n in range(size):
        if place + n not in stack.bytes:
            stack.store(place + n, 1, x.chance(s, "stack", 8))
        elif isinstance(stack.bytes[place + n][0], SymbolicPointer | Null):
            stack.store(place + n, 1, x.chance(s, "address", 8))
    held = stack.number(place, size)
    if value is None and not x.solver.relates and not isinstance(held, int):
        # Of a part of a slot kernels know the size: that two loads of it give the same is beyond them.
        return zero_extend(x.chance(s, "part", 8 * size), 8 * size)
    return held


def _break_up(x: Explorer, s: SymbolicState, stack: FrameStack, slot: int) -> None:
    """The pointer in a slot is none any more: its bytes are those of an address."""
    for at in range(slot, slot + 8):
        if at in stack.bytes and is_pointer(stack.bytes[at][0]):
            stack.store(at, 1, x.chance(s, "address", 8))


def write_content(
    x: Explorer,
    s: SymbolicState,
    region: SymbolicRegion,
    place: Term,
    size: int,
    value: Value,
    *,
    known: bool,
) -> None:
    if region.kind is RegionKind.STACK:
        assert isinstance(place, int)
        frame = next(f for f in s.frames if f.region is region)
        destroy_overlapped(x, s, frame.stack, place, size)
        if is_pointer(value):
            if size != 8:
                if known:
                    x.refuse(s, rules.SPILL_SIZE, f"{in_bytes(size)} of a pointer are stored")
                value = number(s, value)
            elif (
                known
                and isinstance(value, SymbolicPointer)
                and value.region.kind is RegionKind.STACK
                and frame is not s.frame
            ):
                x.refuse(s, rules.STACK_IN_CALLER, "stored to the caller's frame")
        elif size != 8 and frame.stack.pointer_parts(place & ~7, 8):
            if not x.facts.privileged:
                x.refuse(s, rules.POINTER_LEAK, "a stored pointer is overwritten in part")
            _break_up(x, s, frame.stack, place & ~7)
        frame.stack.store(
            place, size, value if is_pointer(value) else extract(number(s, value), 8 * size - 1, 0)
        )
        return
    if is_pointer(value) and not x.facts.privileged:
        x.refuse(s, rules.POINTER_LEAK, f"into {region.kind.value}")
    bits = number(s, value)
    if region.kind is RegionKind.MAP_VALUE:
        s.note(MapWritten(region, place, size, bits))
    elif region.kind is RegionKind.PACKET:
        if not isinstance(place, int):
            s.packet_bytes.clear()
            s.packet_changed = True
            return
        for n, byte in enumerate(split(bits, size, x.facts.order)):
            s.packet_bytes[place + n] = byte
