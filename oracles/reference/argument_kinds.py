"""By kind of argument: what a prototype asks of a pointer."""

from __future__ import annotations

from collections.abc import Callable

from ebpf import rules
from ebpf.helpers import Arg, ArgKind
from ebpf.kfuncs import is_a
from ebpf.maps import KERNEL_POINTERS, MapFieldKind, MapSpec, MapType
from oracles.reference import deferred
from oracles.reference.argument_memory import content, memory
from oracles.reference.argument_values import Arguments, Written, wrong
from oracles.reference.contents import frozen_value
from oracles.reference.explorer import Explorer
from oracles.reference.map_kinds import READ_ONLY_PROGRAM
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import SOCKETS, RegionKind, SymbolicPointer, Trust
from oracles.terms.term import equal

A = ArgKind


def leave_unmodelled(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    """A kind that is not modelled."""
    raise Unmodelled(f"helper arguments: {arg.kind.value}")


def _context(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.CONTEXT:
        wrong(x, s, register, arg)
    if equal(pointer.offset, 0) is not True:
        x.refuse(s, rules.CONTEXT_MODIFIED, f"R{register}")
        raise Unmodelled("a moved context given to a helper")


def _map(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.MAP or equal(pointer.offset, 0) is not True:
        wrong(x, s, register, arg)
    found.map = pointer.region.map
    if found.timer_of is not None:
        deferred.check_map(x, s, found.timer_of, found.map)


def _spec(x: Explorer, found: Arguments) -> MapSpec:
    if found.map is None:
        raise Unmodelled("a map that is not known")
    return x.facts.maps[found.map]


def _key(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    size = _spec(x, found).key_size
    memory(x, s, register, pointer, size, reads=True, writes=False, packet=found.packet)
    found.key = content(x, s, pointer, size)


def _value(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if _spec(x, found).type in (MapType.SOCKMAP, MapType.SOCKHASH):
        # resolve_map_arg_type (kernel/bpf/verifier.c): a socket, no memory.
        CHECKS[A.BTF_ID_SOCK_COMMON](x, s, found, register, arg, pointer)
        return
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
        wrong(x, s, register, arg)
    assert isinstance(pointer.offset, int)
    found.function = pointer.offset


def _lock(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    region = pointer.region
    if region.kind is not RegionKind.MAP_VALUE or region.map is None:
        wrong(x, s, register, arg)
    assert region.map is not None
    place = next(
        (f.offset for f in x.facts.maps[region.map].fields if f.kind is MapFieldKind.SPIN_LOCK), None
    )
    if place is None or x.constant(s, pointer.offset) != place:
        wrong(x, s, register, arg)
    found.lock = (region.map, region.id)


def _kernel_pointer(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    """The place of a referenced one (process_kptr_func)."""
    region, place = pointer.region, x.constant(s, pointer.offset)
    if region.kind is not RegionKind.MAP_VALUE or region.map is None:
        raise Unmodelled("a kernel pointer outside a map's value")
    if place is None:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is not at a constant offset")
        raise Unmodelled("a kernel pointer at a place that is not known")
    fields = x.facts.maps[region.map].fields
    found.field = next((f for f in fields if f.kind in KERNEL_POINTERS and f.offset == place), None)
    if found.field is None:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register}: no kernel pointer is there")
    if found.field.kind is not MapFieldKind.KPTR:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register}: the kernel pointer there has no reference")
        raise Unmodelled("an exchange of a kernel pointer without a reference")


def _timer(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    found.timer_of, found.field = deferred.field_of(x, s, register, pointer, MapFieldKind.TIMER)


def _structure(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    """What the kernel keeps alive, of the type that the prototype names; where it names none, the helper asks
    (check_reg_type, map_kptr_match_type)."""
    if pointer.region.kind is not RegionKind.KERNEL:
        wrong(x, s, register, arg)
    fits = is_a(pointer.region.struct, arg.name) if arg.name else True
    if fits is None:
        raise Unmodelled("a kernel structure given as another")
    if not fits:
        wrong(x, s, register, arg)
    if pointer.region.trust is Trust.NONE:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register}: nothing keeps the {pointer.region.struct}")
        raise Unmodelled("a kernel structure that nothing keeps")


def _variable(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.VARIABLE:
        wrong(x, s, register, arg)
    if equal(pointer.offset, 0) is not True:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} was moved")
        raise Unmodelled("a place inside a variable of the kernel's")


def _constant_string(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    """A zero-terminated string in a value that nobody can write, at a place that is known
    (check_arg_const_str, Linux 6.1 to 7.3)."""
    if pointer.region.kind is not RegionKind.MAP_VALUE or pointer.region.map is None:
        wrong(x, s, register, arg)
    assert pointer.region.map is not None
    if not x.facts.maps[pointer.region.map].flags & READ_ONLY_PROGRAM:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is in no read-only map")
        raise Unmodelled("a string that may change")
    value, place = frozen_value(x, pointer.region), x.constant(s, pointer.offset)
    if value is None or place is None:
        raise Unmodelled("a constant string at a place that is not known")
    if place >= len(value) or 0 not in value[place:]:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is not zero-terminated")
        raise Unmodelled("a constant string without an end")
    found.string = value[place : value.index(0, place)]


def _dynptr(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    """What is done with it looks at it."""


Check = Callable[[Explorer, SymbolicState, Arguments, int, Arg, SymbolicPointer], None]


def _socket(allowed: frozenset[RegionKind]) -> Check:
    def check_socket(
        x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
    ) -> None:
        if pointer.region.kind is RegionKind.KERNEL:
            raise Unmodelled("kernel structures")
        if pointer.region.kind not in allowed:
            wrong(x, s, register, arg)
        if equal(pointer.offset, 0) is not True:
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} was moved")

    return check_socket


def _record(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.RING_BUFFER:
        wrong(x, s, register, arg)
    if equal(pointer.offset, 0) is not True:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} was moved")


def _on_stack(
    x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, pointer: SymbolicPointer
) -> None:
    if pointer.region.kind is not RegionKind.STACK:
        wrong(x, s, register, arg)


CHECKS: dict[ArgKind, Check] = {
    A.CTX: _context, A.CTX_OR_NULL: _context, A.CONST_MAP: _map, A.MAP_KEY: _key, A.MAP_VALUE: _value,
    A.MAP_VALUE_OR_NULL: _value,
    A.MAP_VALUE_UNINIT: _value_room, A.FIXED_MEM: _fixed, A.FIXED_MEM_INOUT: _fixed,
    A.FIXED_MEM_UNINIT: _fixed,
    A.PERCPU_BTF_ID: _variable, A.CONST_STR: _constant_string, A.KPTR: _kernel_pointer, A.TIMER: _timer,
    A.BTF_ID: _structure, A.BTF_ID_OR_NULL: _structure,
    A.FUNC: _function, A.SPIN_LOCK: _lock, A.RINGBUF_MEM: _record, A.STACK_OR_NULL: _on_stack,
    A.SOCKET: _socket(frozenset({RegionKind.SOCKET})),
    A.SOCKET_OR_NULL: _socket(frozenset({RegionKind.SOCKET})),
    A.SOCK_COMMON: _socket(SOCKETS), A.BTF_ID_SOCK_COMMON: _socket(SOCKETS),
    A.DYNPTR: _dynptr, A.DYNPTR_UNINIT: _dynptr,
}  # fmt: skip
