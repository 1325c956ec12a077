"""A call's arguments held against the helper's prototype: check_func_arg of kernel/bpf/verifier.c, on values
(Linux 6.12)."""

from __future__ import annotations

from collections.abc import Callable

from ebpf import rules
from ebpf.helpers import Arg, ArgKind, Prototype
from ebpf.kfuncs import is_a
from ebpf.maps import MapFieldKind, MapType
from ebpf.program_rules import PACKET_HELPERS
from ebpf.sockets import SocketKind
from ebpf.wording import in_bytes
from oracles.interpreter.helpers.memory import Span, readable, room
from oracles.interpreter.machine import Machine
from oracles.interpreter.maps import Map
from oracles.interpreter.memory import Pointer, Value
from oracles.interpreter.objects import (
    BorrowedRegion,
    KernelRegion,
    RecordRegion,
    SocketRegion,
    VariableRegion,
)
from oracles.interpreter.signals import Abstain

K = ArgKind
_NULLABLE = frozenset(kind for kind in ArgKind if kind.name.endswith("_OR_NULL") or "_OR_NULL_" in kind.name)
_SOCKETS: dict[ArgKind, frozenset[SocketKind]] = {
    K.SOCKET: frozenset({SocketKind.SOCKET}),
    K.SOCKET_OR_NULL: frozenset({SocketKind.SOCKET}),
    K.SOCK_COMMON: frozenset(SocketKind),
    K.BTF_ID_SOCK_COMMON: frozenset(SocketKind),
}
"""fullsock_types, sock_types, btf_id_sock_common_types."""
_FIELDS = {
    K.SPIN_LOCK: (MapFieldKind.SPIN_LOCK,),
    K.TIMER: (MapFieldKind.TIMER,),
    K.KPTR: (MapFieldKind.KPTR,),
}
_WRITTEN = frozenset(
    {K.MEM, K.MEM_OR_NULL, K.MEM_UNINIT, K.FIXED_MEM_UNINIT, K.FIXED_MEM_INOUT, K.MAP_VALUE_UNINIT}
)


class Call:
    """One checked call: ``values`` as the registers hold them, ``map`` that it is given, ``written`` the
    memory it fills."""

    __slots__ = ("map", "prototype", "values", "written")

    def __init__(self, prototype: Prototype) -> None:
        self.prototype = prototype
        self.values: list[Value] = []
        self.map: Map | None = None
        self.written: list[Span] = []


def check(m: Machine, prototype: Prototype) -> Call:
    """The call that the registers describe; traps at the first argument that the prototype forbids."""
    call = Call(prototype)
    for at, arg in enumerate(prototype.args):
        value = m.read(at + 1)
        call.values.append(value)
        if arg.kind in _NULLABLE and value == 0:
            _check_null(m, prototype, at)
            continue
        _check(m, call, at, arg, value)
    return call


def _refuse(m: Machine, at: int, arg: Arg) -> None:
    m.trap(rules.HELPER_ARGUMENT, f"R{at + 1} is not a {arg.kind.value}{f' {arg.name}' if arg.name else ''}")


def _check_null(m: Machine, prototype: Prototype, at: int) -> None:
    """Null stands for memory of no bytes only."""
    following = prototype.args[at + 1].kind if at + 1 < len(prototype.args) else None
    if following in (K.SIZE, K.SIZE_OR_ZERO) and m.number(m.read(at + 2)) & 0xFFFF_FFFF:
        m.trap(rules.HELPER_ARGUMENT, f"R{at + 1} is null, R{at + 2} is not 0")


def _check(m: Machine, call: Call, at: int, arg: Arg, value: Value) -> None:
    kind = arg.kind
    if kind in (K.CTX, K.CTX_OR_NULL):
        if value != Pointer(m.context, 0):
            m.trap(rules.HELPER_ARGUMENT, f"R{at + 1} is not the context")
    elif kind in (K.ANYTHING, K.ALLOC_SIZE_OR_ZERO):
        m.number(value)
    elif kind in (K.SIZE, K.SIZE_OR_ZERO):
        if m.number(value) & 0xFFFF_FFFF == 0 and kind is K.SIZE and arg.zero_since is None:
            # Nothing is read or written: a kernel that let it pass would be lax, not unsafe.
            raise Abstain(f"R{at + 1}, the size for bpf_{call.prototype.name}, is 0")
    elif kind is K.CONST_MAP:
        call.map = map_of(m, call.prototype, value, at + 1)
    elif kind in _MEMORY:
        _check_memory(m, call, at, arg, value)
    elif kind in _SOCKETS:
        _check_socket(m, at, arg, value)
    elif kind in _FIELDS:
        _check_field(m, at, arg, value)
    else:
        _check_object(m, at, arg, value)


def map_of(m: Machine, prototype: Prototype, value: Value, register: int) -> Map:
    """The map that ``value`` names, of a type that the helper takes."""
    chosen = m.map_at(value)
    if chosen is None:
        m.trap(rules.HELPER_ARGUMENT, f"R{register} is not a map")
    if prototype.maps is not None and chosen.spec.type not in prototype.maps:
        m.trap(rules.MAP_HELPER, f"bpf_{prototype.name} takes no map of type {chosen.spec.type.name.lower()}")
    return chosen


def _sized(m: Machine, call: Call, at: int) -> int:
    return m.number(m.read(at + 2)) & 0xFFFF_FFFF


_MEMORY: dict[ArgKind, Callable[[Machine, Call, int], int]] = {
    **dict.fromkeys((K.MEM, K.MEM_OR_NULL, K.MEM_RDONLY, K.MEM_OR_NULL_RDONLY, K.MEM_UNINIT), _sized),
    **dict.fromkeys(
        (K.FIXED_MEM, K.FIXED_MEM_INOUT, K.FIXED_MEM_UNINIT), lambda m, call, at: call.prototype.args[at].size
    ),
    K.MAP_KEY: lambda m, call, at: call.map.spec.key_size if call.map else 0,
    **dict.fromkeys(
        (K.MAP_VALUE, K.MAP_VALUE_OR_NULL, K.MAP_VALUE_UNINIT),
        lambda m, call, at: call.map.spec.value_size if call.map else 0,
    ),
}
"""How many bytes an argument in memory has."""

_SOCKET_MAPS = frozenset({MapType.SOCKMAP, MapType.SOCKHASH})


def _check_memory(m: Machine, call: Call, at: int, arg: Arg, value: Value) -> None:
    if arg.kind is K.MAP_VALUE and call.map and call.map.spec.type in _SOCKET_MAPS:
        if not (isinstance(value, Pointer) and isinstance(value.region, SocketRegion)):
            m.trap(rules.HELPER_ARGUMENT, f"R{at + 1} is not a socket")
        raise Abstain("a socket put into a map")
    size = _MEMORY[arg.kind](m, call, at)
    what = f"R{at + 1}"
    takes_packet = call.prototype.packet_access and m.program.type in PACKET_HELPERS
    if isinstance(value, Pointer) and value.region is m.packet and not takes_packet:
        m.trap(rules.HELPER_ARGUMENT, f"{what}: bpf_{call.prototype.name} does not take the packet")
    if arg.aligned and isinstance(value, Pointer) and value.offset % arg.size:
        m.trap(rules.MISALIGNED, f"{what}: {in_bytes(arg.size)} at {value.region.name}{value.offset:+d}")
    if arg.kind in _WRITTEN:
        span = room(m, value, size, what)
        if span.size and arg.kind not in (K.MEM_UNINIT, K.FIXED_MEM_UNINIT, K.MAP_VALUE_UNINIT):
            readable(m, value, size, what)
        call.written.append(span)
    else:
        readable(m, value, size, what)


def _check_socket(m: Machine, at: int, arg: Arg, value: Value) -> None:
    if (
        isinstance(value, Pointer)
        and isinstance(value.region, KernelRegion)
        and arg.kind is K.BTF_ID_SOCK_COMMON
    ):
        return
    if isinstance(value, Pointer) and value.region.gone is not None:
        m.trap(value.region.gone, f"R{at + 1}: {value.region.name} was released")
    if not (
        isinstance(value, Pointer)
        and isinstance(value.region, SocketRegion)
        and value.offset == 0
        and value.region.kind in _SOCKETS[arg.kind]
    ):
        _refuse(m, at, arg)


def _check_field(m: Machine, at: int, arg: Arg, value: Value) -> None:
    if isinstance(value, Pointer):
        for field in value.region.special:
            if field.kind in _FIELDS[arg.kind] and field.offset == value.offset:
                return
    _refuse(m, at, arg)


def _is_named(region: KernelRegion, arg: Arg) -> bool:
    """Whether the structure is one that the prototype names, if it names one."""
    if isinstance(region, BorrowedRegion) and not region.protected:
        raise Abstain("a kernel structure that nothing keeps")
    fits = is_a(region.name, arg.name) if arg.name else True
    if fits is None:
        raise Abstain("a kernel structure given as another")
    return fits


def _check_object(m: Machine, at: int, arg: Arg, value: Value) -> None:
    region = value.region if isinstance(value, Pointer) else None
    if region is not None and region.gone is not None:
        m.trap(region.gone, f"R{at + 1}: {region.name} was released")
    if arg.kind is K.FUNC:
        fits = region is m.code_region
    elif arg.kind is K.STACK_OR_NULL:
        fits = any(region is frame.stack for frame in m.frames)
    elif arg.kind is K.RINGBUF_MEM:
        fits = isinstance(region, RecordRegion) and isinstance(value, Pointer) and value.offset == 0
    elif arg.kind is K.CONST_STR:
        at = value.offset if isinstance(value, Pointer) else -1
        fits = region is not None and not region.writable and at >= 0 and 0 in region.data[at:]
    elif arg.kind is K.PERCPU_BTF_ID:
        fits = isinstance(region, VariableRegion) and isinstance(value, Pointer) and value.offset == 0
    elif arg.kind in (K.DYNPTR, K.DYNPTR_UNINIT):
        return  # what is done with it looks at it
    else:
        fits = isinstance(region, KernelRegion) and _is_named(region, arg)
    if not fits:
        _refuse(m, at, arg)
