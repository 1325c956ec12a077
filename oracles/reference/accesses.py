"""Loads and stores: which memory, whether it is inside, and what it holds."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.maps import MapFieldKind, MapType
from ebpf.program import LoadFlag
from ebpf.program_rules import PACKET_WRITERS
from ebpf.rules import Rule
from oracles.reference import context
from oracles.reference.events import Chance, MapRead, MapWritten, PacketRead
from oracles.reference.explorer import Explorer
from oracles.reference.map_kinds import READ_ONLY_PROGRAM
from oracles.reference.registers import is_pointer, number
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import (
    SOCKETS,
    FrameStack,
    Null,
    RegionKind,
    SymbolicPointer,
    SymbolicRegion,
    Value,
)
from oracles.terms.term import (
    Condition,
    Term,
    add,
    concat,
    conjunction,
    extract,
    mask,
    negation,
    symbol,
    to_signed,
    z,
    zero_extend,
)

BOUNDS: dict[RegionKind, Rule] = {
    RegionKind.STACK: rules.STACK_BOUNDS, RegionKind.MAP_VALUE: rules.MAP_VALUE_BOUNDS,
    RegionKind.PACKET: rules.PACKET_BOUNDS,
    RegionKind.CONTEXT: rules.CONTEXT_BOUNDS, RegionKind.MEMORY: rules.MEMORY_BOUNDS,
    RegionKind.RING_BUFFER: rules.MEMORY_BOUNDS,
}  # fmt: skip


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


def target(x: Explorer, s: SymbolicState, base: Value, write: bool) -> SymbolicPointer:
    """The pointer that an access goes through; anything else is a fault."""
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
            raise Unmodelled("the fields of struct bpf_map")
        if region.kind is RegionKind.MAP:
            x.refuse(s, rules.CONFIDENTIAL_LOAD, "")
        raise Unmodelled(f"accesses through {region.kind.value}")
    if region.kind is RegionKind.STACK and not isinstance(place, int) and not x.facts.privileged:
        x.refuse(s, rules.VARIABLE_STACK, "")
    if region.kind is RegionKind.PACKET and region is not s.packet:
        x.violation(s, rules.PACKET_BOUNDS, "the packet was changed since")
    if x.by_ranges and region.kind is RegionKind.PACKET and not isinstance(place, int):
        raise Unmodelled("ranges of packet pointers at variable offsets")
    if region.kind is RegionKind.PACKET and s.metadata is not None:
        inside = within(add(place, s.metadata), size, add(region.size, s.metadata))
    else:
        inside = within(place, size, region.size)
    x.require(s, inside, BOUNDS[region.kind], f"{size} bytes at {region.kind.value}")
    _alignment(x, s, region, place, size)
    if region.kind is RegionKind.MAP_VALUE:
        special_fields(x, s, region, place, size)
    if region.kind is RegionKind.STACK:
        paths = x.split(s, place)
        for path, at in paths:
            frame = next(f for f in path.frames if f.region is region)
            frame.stack.touch(at)
        return list(paths)
    return [(s, place)]


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
            f"{size} bytes",
        )


REWRITTEN = SOCKETS | {RegionKind.CONTEXT, RegionKind.KERNEL}
"""Kinds whose accesses kernels rewrite, each in its own way (kernel/bpf/verifier.c, reg_type_mismatch_ok)."""


def _one_kind(x: Explorer, s: SymbolicState, kind: RegionKind) -> None:
    earlier = x.ledger.kinds.setdefault(s.pc, kind)
    if earlier is not kind and (earlier in REWRITTEN or kind in REWRITTEN):
        x.refuse(s, rules.MIXED_POINTERS, f"{earlier.value} and {kind.value}")


def special_fields(x: Explorer, s: SymbolicState, region: SymbolicRegion, place: Term, size: int) -> None:
    """Locks, timers and kernel pointers in a map's value are for their helpers only."""
    if region.map is None:
        return
    for field in x.facts.program.maps[region.map].fields:
        if field.kind in (MapFieldKind.KPTR, MapFieldKind.KPTR_UNTRUSTED):
            raise Unmodelled("kernel pointers in map values")
        low, high = field.offset - size + 1, field.offset + field.kind.size
        over = (
            low <= to_signed(place, 64) < high
            if isinstance(place, int)
            else conjunction(place >= low, place < high)
        )
        x.require(s, negation(over), rules.SPECIAL_FIELD, field.kind.value)


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
    loaded: list[tuple[SymbolicState, Value]] = []
    known = isinstance(pointer.offset, int)
    for path, place in check(x, s, pointer, offset, size, write=False):
        loaded.append((path, _content(x, path, pointer.region, place, size, known=known)))
    return loaded


def _content(
    x: Explorer, s: SymbolicState, region: SymbolicRegion, place: Term, size: int, *, known: bool
) -> Value:
    if region.kind is RegionKind.STACK:
        assert isinstance(place, int)
        return _from_stack(x, s, region, place, size, known=known)
    if region.kind is RegionKind.PACKET:
        if not x.solver.relates:
            s.packet_bytes.clear()
        return zero_extend(concat([packet_byte(s, add(place, n)) for n in reversed(range(size))]), 8 * size)
    frozen = _frozen(x, region) if region.kind is RegionKind.MAP_VALUE and isinstance(place, int) else None
    if frozen is not None:
        return int.from_bytes(frozen[place : place + size], "little")
    value = zero_extend(symbol(f"{region.kind.value}{region.map}!{s.number()}", 8 * size), 8 * size)
    if region.kind is RegionKind.MAP_VALUE:
        s.note(MapRead(region, place, size, value))
    else:
        s.note(Chance(region.kind.value))
    return value


def _frozen(x: Explorer, region: SymbolicRegion) -> bytes | None:
    """The value of a map that nobody can write any more, as .rodata becomes one: part of the program, and
    kernels take it so (kernel/bpf/verifier.c, check_mem_access, bpf_map_is_rdonly; Linux 6.12)."""
    spec = None if region.map is None else x.facts.program.maps[region.map]
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
    value = stack.whole(place, size)
    if size == 8 and value is not None and is_pointer(value):
        return value
    if stack.missing(place, size):
        if x.facts.privileged:
            x.refuse(s, rules.UNINITIALISED_STACK, f"{size} bytes at fp{place - STACK_SIZE}", before=(6, 1))
        else:
            x.require(s, False, rules.UNINITIALISED_STACK, f"{size} bytes at fp{place - STACK_SIZE}")
    if known and stack.pointer_parts(place, size):
        x.refuse(s, rules.SPILL_SIZE, f"{size} bytes of a stored pointer are loaded")
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
    known = isinstance(pointer.offset, int)
    paths = check(x, s, pointer, offset, size, write=True)
    for path, place in paths:
        _put(x, path, region, place, size, value, known=known)
    return [path for path, _ in paths]


def _put(
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
        if is_pointer(value):
            if size != 8:
                if known:
                    x.refuse(s, rules.SPILL_SIZE, f"{size} bytes of a pointer are stored")
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
        for n in range(size):
            s.packet_bytes[place + n] = extract(bits, 8 * n + 7, 8 * n)
