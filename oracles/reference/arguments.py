"""What a helper's prototype asks of R1 to R5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from ebpf import rules
from ebpf.helpers import Arg, ArgKind, Prototype
from ebpf.maps import MapFieldKind, MapSpec, MapType
from ebpf.program_rules import PACKET_HELPERS, PACKET_WRITERS
from ebpf.program_types import ProgramType
from oracles.reference import accesses
from oracles.reference.explorer import Explorer
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import SOCKETS, Null, RegionKind, SymbolicPointer, Value
from oracles.terms.term import Condition, Term, add, concat, conjunction, disjunction, equal, extract, z

A = ArgKind
HUGE = 1 << 29
"""BPF_MAX_VAR_SIZ, include/linux/bpf_verifier.h: kernels refuse sizes that may reach it."""
READS = {A.MEM, A.MEM_OR_NULL, A.MEM_RDONLY, A.MEM_OR_NULL_RDONLY}
WRITTEN = {A.MEM, A.MEM_OR_NULL}
"""What a helper reads and may have changed: kernels forget what they knew of it on the stack
(check_stack_range_initialized)."""
SIZED = READS | {A.MEM_UNINIT}
MEMORY = {
    RegionKind.STACK, RegionKind.MAP_VALUE, RegionKind.PACKET, RegionKind.MEMORY, RegionKind.RING_BUFFER,
}  # fmt: skip
"""Memory that helpers may be given."""


@dataclass(slots=True)
class Written:
    """Memory that the helper fills: ``size`` bytes at ``pointer``."""

    pointer: SymbolicPointer
    size: Term


@dataclass(slots=True)
class Arguments:
    """What the arguments turned out to be.  ``key``: the bytes of a map key, where they are known as a term.
    ``packet``: whether the helper takes the packet for memory."""

    packet: bool = False
    values: list[Value] = field(default_factory=list)
    map: int | None = None
    key: Term | None = None
    written: list[Written] = field(default_factory=list)
    lock: tuple[int, int] | None = None
    function: int | None = None
    released: SymbolicPointer | Null | None = None
    size: int | None = None


def check(x: Explorer, s: SymbolicState, prototype: Prototype) -> Arguments:
    """Hold R1 to R5 against the prototype."""
    found = Arguments(prototype.packet_access)
    for index, arg in enumerate(prototype.args):
        register = index + 1
        value = read(x, s, register)
        found.values.append(value)
        if arg.kind in SIZED:
            continue  # with the size, which follows
        _argument(x, s, prototype, found, register, arg, value)
        if prototype.releases == register:
            found.released = value if isinstance(value, SymbolicPointer | Null) else None
    return found


def _wrong(x: Explorer, s: SymbolicState, register: int, arg: Arg) -> None:
    x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is not a {arg.kind.value}")


def _argument(
    x: Explorer,
    s: SymbolicState,
    prototype: Prototype,
    found: Arguments,
    register: int,
    arg: Arg,
    value: Value,
) -> None:
    kind = arg.kind
    if isinstance(value, Null) and kind.name.endswith("_OR_NULL"):
        return
    if kind is A.ANYTHING:
        if is_pointer(value) and not x.facts.privileged:
            x.refuse(s, rules.POINTER_LEAK, f"R{register} into a helper")
        return
    if kind in (A.SIZE, A.SIZE_OR_ZERO):
        before = prototype.args[register - 2]
        _sized(x, s, found, register, before, kind is A.SIZE_OR_ZERO)
        return
    if kind is A.ALLOC_SIZE_OR_ZERO:
        found.size = None if is_pointer(value) else x.constant(s, number(s, value))
        if found.size is None:
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is not a constant size")
            raise Unmodelled("an allocation of unknown size")
        return
    if kind.name.endswith("_OR_NULL") and not isinstance(value, SymbolicPointer):
        if value == 0 if isinstance(value, int) else False:
            return
        _wrong(x, s, register, arg)
    if isinstance(value, Null):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} may be null")
    if not isinstance(value, SymbolicPointer):
        _wrong(x, s, register, arg)
        return
    if value.check is not None and not kind.name.endswith("_OR_NULL"):
        x.unchecked(s, value.check, rules.NULL_CHECK, f"R{register}")
    CHECKS.get(kind, _unmodelled)(x, s, found, register, arg, value)


def _unmodelled(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    raise Unmodelled(f"helper arguments: {arg.kind.value}")


def _context(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.CONTEXT:
        _wrong(x, s, register, arg)
    if equal(pointer.offset, 0) is not True:
        x.refuse(s, rules.CONTEXT_MODIFIED, f"R{register}")
        raise Unmodelled("a moved context given to a helper")


def _map(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.MAP or equal(pointer.offset, 0) is not True:
        _wrong(x, s, register, arg)
    found.map = pointer.region.map


def _spec(x: Explorer, found: Arguments) -> MapSpec:
    if found.map is None:
        raise Unmodelled("a map that is not known")
    return x.facts.program.maps[found.map]


def _key(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    size = _spec(x, found).key_size
    memory(x, s, register, pointer, size, reads=True, writes=False, packet=found.packet)
    found.key = content(s, pointer, size)


def _value(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind in SOCKETS and _spec(x, found).type in (MapType.SOCKMAP, MapType.SOCKHASH):
        raise Unmodelled("a socket put into a map")
    memory(x, s, register, pointer, _spec(x, found).value_size, reads=True, writes=False, packet=found.packet)


def _value_room(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    size = _spec(x, found).value_size
    memory(x, s, register, pointer, size, reads=False, writes=True, packet=found.packet)
    found.written.append(Written(pointer, size))


def _fixed(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if arg.aligned:
        place = pointer.offset
        off = place % arg.size != 0 if isinstance(place, int) else x.possible(s, place & (arg.size - 1) != 0)
        if off:
            x.refuse(s, rules.MISALIGNED, f"R{register}")
    reads, writes = arg.kind is not A.FIXED_MEM_UNINIT, arg.kind is not A.FIXED_MEM
    memory(x, s, register, pointer, arg.size, reads=reads, writes=writes, packet=found.packet)
    if arg.kind is not A.FIXED_MEM:
        found.written.append(Written(pointer, arg.size))


def _function(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.CODE or not isinstance(pointer.offset, int):
        _wrong(x, s, register, arg)
    assert isinstance(pointer.offset, int)
    found.function = pointer.offset


def _lock(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    region = pointer.region
    if region.kind is not RegionKind.MAP_VALUE or region.map is None:
        _wrong(x, s, register, arg)
    assert region.map is not None
    place = next(
        (f.offset for f in x.facts.program.maps[region.map].fields if f.kind is MapFieldKind.SPIN_LOCK), None
    )
    if place is None or x.constant(s, pointer.offset) != place:
        _wrong(x, s, register, arg)
    found.lock = (region.map, region.id)


Check = Callable[[Explorer, SymbolicState, Arguments, int, Arg, SymbolicPointer], None]


def _socket(allowed: frozenset[RegionKind]) -> Check:
    def check_socket(
        x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
    ) -> None:
        if pointer.region.kind is RegionKind.KERNEL:
            raise Unmodelled("kernel structures")
        if pointer.region.kind not in allowed:
            _wrong(x, s, register, arg)
        if equal(pointer.offset, 0) is not True:
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} was moved")

    return check_socket


def _record(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.RING_BUFFER:
        _wrong(x, s, register, arg)
    if equal(pointer.offset, 0) is not True:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} was moved")


def _on_stack(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.STACK:
        _wrong(x, s, register, arg)


CHECKS: dict[ArgKind, Check] = {
    A.CTX: _context, A.CTX_OR_NULL: _context, A.CONST_MAP: _map, A.MAP_KEY: _key, A.MAP_VALUE: _value,
    A.MAP_VALUE_OR_NULL: _value,
    A.MAP_VALUE_UNINIT: _value_room, A.FIXED_MEM: _fixed, A.FIXED_MEM_INOUT: _fixed,
    A.FIXED_MEM_UNINIT: _fixed,
    A.FUNC: _function, A.SPIN_LOCK: _lock, A.RINGBUF_MEM: _record, A.STACK_OR_NULL: _on_stack,
    A.SOCKET: _socket(frozenset({RegionKind.SOCKET})),
    A.SOCKET_OR_NULL: _socket(frozenset({RegionKind.SOCKET})),
    A.SOCK_COMMON: _socket(SOCKETS), A.BTF_ID_SOCK_COMMON: _socket(SOCKETS),
}  # fmt: skip


def _sized(x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, zero: bool) -> None:
    """Memory at R(register - 1) whose size R(register) holds."""
    length = found.values[register - 1]
    if is_pointer(length):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is a pointer, not a size")
    whole = number(s, length)
    if x.possible(s, _at_least(whole, HUGE)):
        x.refuse(s, rules.HELPER_SIZE, f"R{register}")
    size: Term = extract(whole, 31, 0) if isinstance(whole, int) else z3.ZeroExt(32, z3.Extract(31, 0, whole))
    if not zero and x.possible(s, equal(whole, 0)):
        x.refuse(s, rules.ZERO_SIZE, f"R{register}")
    base = found.values[register - 2]
    empty = equal(size, 0)
    if isinstance(base, Null) or not isinstance(base, SymbolicPointer):
        value = number(s, base)
        null_allowed = "OR_NULL" in arg.kind.name or zero
        fine: Condition = conjunction(equal(value, 0), empty) if null_allowed else False
        if "OR_NULL" in arg.kind.name:
            fine = disjunction(fine, equal(value, 0)) if not isinstance(value, int) else fine
        x.require(s, fine, rules.HELPER_ARGUMENT, f"R{register - 1} is not {arg.kind.value}")
        if "OR_NULL" not in arg.kind.name:
            # Nothing misbehaves, but the type is a number's (kernel/bpf/verifier.c, check_func_arg:
            # register_is_null).
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register - 1} is null")
        return
    if base.check is not None and "OR_NULL" not in arg.kind.name:
        # Where null is allowed, kernels take a pointer that may be (check_reg_type; Linux 6.1 to 7.3).
        x.unchecked(s, base.check, rules.NULL_CHECK, f"R{register - 1}")
    writes = arg.kind is A.MEM_UNINIT
    if base.region.kind not in MEMORY and empty is not True:
        # For a size of 0 kernels still want a pointer to memory, or null.
        if base.region.kind is RegionKind.CONTEXT:
            raise Unmodelled("the context as a helper's memory")
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register - 1} is no memory a helper may use")
    memory(x, s, register - 1, base, size, reads=not writes, writes=writes, packet=found.packet)
    if writes or arg.kind in WRITTEN:
        found.written.append(Written(base, size))


def _at_least(term: Term, limit: int) -> Condition:
    return term >= limit if isinstance(term, int) else z3.UGE(term, limit)


def memory(
    x: Explorer,
    s: SymbolicState,
    register: int,
    pointer: SymbolicPointer,
    size: Term,
    *,
    reads: bool,
    writes: bool,
    packet: bool,
) -> None:
    """``size`` bytes at ``pointer`` are all there, and, where the helper reads them, written before."""
    region = pointer.region
    if region.kind is RegionKind.CONTEXT and x.facts.program.type is ProgramType.SYSCALL:
        raise Unmodelled("the context as a helper's memory")
    if region.kind not in MEMORY:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is no memory a helper may use")
    if pointer.end:
        x.violation(s, rules.PACKET_BOUNDS, f"R{register} is the packet's end")
    if writes and not region.writable:
        x.violation(s, rules.READ_ONLY, region.kind.value)
    if reads and not region.readable:
        x.refuse(s, rules.READ_ONLY, f"{region.kind.value} is write-only")
    rule = accesses.BOUNDS[region.kind]
    place = pointer.offset
    if region.kind is RegionKind.PACKET and (
        x.facts.program.type not in (PACKET_WRITERS if writes else PACKET_HELPERS) or not packet
    ):
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register}: helper access to the packet")
    x.require(s, _inside(place, size, region.size), rule, f"R{register}: the helper's memory")
    if (
        region.kind is RegionKind.MAP_VALUE
        and region.map is not None
        and x.facts.program.maps[region.map].fields
    ):
        if not isinstance(size, int):
            raise Unmodelled("a helper's memory of unknown size in a value with special fields")
        accesses.special_fields(x, s, region, place, size)
    if region.kind is RegionKind.STACK:
        _on_the_stack(x, s, register, pointer, size, reads)
    elif region.kind is RegionKind.PACKET and region is not s.packet:
        x.violation(s, rules.PACKET_BOUNDS, "the packet was changed since")


def _inside(place: Term, size: Term, region: Term) -> Condition:
    if isinstance(size, int):
        return accesses.within(place, size, region)
    near = place <= 1 << 40 if isinstance(place, int) else z3.ULE(place, 1 << 40)
    return conjunction(near, z3.ULE(size, 1 << 32), z3.ULE(z(place) + size, z(region)))


def _on_the_stack(
    x: Explorer, s: SymbolicState, register: int, pointer: SymbolicPointer, size: Term, reads: bool
) -> None:
    place = x.constant(s, pointer.offset)
    if place is None:
        if not x.facts.privileged:
            x.refuse(s, rules.VARIABLE_STACK, f"R{register}")
        raise Unmodelled("a helper's memory at a variable stack offset")
    frame = next((f for f in s.frames if f.region is pointer.region), None)
    if frame is None:
        x.violation(s, rules.STACK_BOUNDS, "the frame is gone")
    frame.stack.touch(place)
    if not reads:
        return
    longest = size if isinstance(size, int) else _longest(x, s, size, 512 - place)
    for at in range(place, place + longest):
        reached = True if isinstance(size, int) else z3.UGT(size, at - place)
        if at not in frame.stack.bytes:
            if x.facts.privileged:
                if x.possible(s, reached):
                    x.refuse(s, rules.UNINITIALISED_STACK, f"R{register}", before=(6, 1))
                break
            x.require(
                s,
                True if reached is False else not reached if isinstance(reached, bool) else z3.Not(reached),
                rules.UNINITIALISED_STACK,
                f"R{register}: a helper's memory",
            )
        elif not x.facts.privileged and is_pointer(frame.stack.bytes[at][0]):
            x.refuse(s, rules.POINTER_LEAK, f"R{register}: a stored pointer in a helper's memory")


def _longest(x: Explorer, s: SymbolicState, size: Term, limit: int) -> int:
    """An upper bound of ``size``, found by bisection; ``limit`` is one."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if x.possible(s, z3.UGE(z(size), middle)):
            low = middle
        else:
            high = middle - 1
    return low


def content(s: SymbolicState, pointer: SymbolicPointer, size: int) -> Term | None:
    """``size`` bytes as one term, little-endian, where they are known."""
    place = pointer.offset
    if not isinstance(place, int):
        return None
    parts: list[Term] = []
    if pointer.region.kind is RegionKind.STACK:
        stack = next((f.stack for f in s.frames if f.region is pointer.region), None)
        for n in reversed(range(size)):
            byte = None if stack is None else stack.bytes.get(place + n)
            if byte is None or is_pointer(byte[0]):
                return None
            parts.append(extract(number(s, byte[0]), 8 * byte[1] + 7, 8 * byte[1]))
    elif pointer.region.kind is RegionKind.PACKET:
        parts = [accesses.packet_byte(s, add(place, n)) for n in reversed(range(size))]
    else:
        return None
    return concat(parts)
