"""What a helper gives back where the program and its input do not determine it: scripted, or drawn."""

from __future__ import annotations

from ebpf import rules
from ebpf.helpers import ResultKind
from ebpf.helpers.ownership import GIVEN_STRUCTURES, VIEWS
from ebpf.helpers.result_ranges import given_range, result_range, size_argument
from ebpf.sockets import SocketKind
from oracles.interpreter.arithmetic import U64, signed
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import UNDEFINED, Pointer, Region, Value
from oracles.interpreter.objects import KernelRegion, RecordRegion, SocketRegion, VariableRegion
from oracles.interpreter.signals import Abstain

_SOCKETS = {
    ResultKind.SOCKET_OR_NULL: SocketKind.SOCKET,
    ResultKind.SOCK_COMMON_OR_NULL: SocketKind.SOCK_COMMON,
    ResultKind.TCP_SOCK_OR_NULL: SocketKind.TCP_SOCK,
}
_RARE = frozenset({"sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp"})
"""Find nothing in a test run, as a rule."""
U32 = 0xFFFF_FFFF
LARGEST_RECORD = U32 // 4
"""RINGBUF_MAX_RECORD_SZ, kernel/bpf/ringbuf.c: for more __bpf_ringbuf_reserve gives null."""
_BITS = {"get_prandom_u32": 32, "get_smp_processor_id": 0, "ktime_get_ns": 63, "csum_diff": 32}
"""How many bits of a drawn result can be set (include/uapi/linux/bpf.h); a scripted one is taken as it is.  A
guest has one CPU."""


def integer(m: Machine, call: Call) -> int:
    """An integer result; a script that gives what the helper cannot give is no witness."""
    scripted = m.scripted()
    prototype = call.prototype
    sized = size_argument(prototype)
    size = 0 if sized is None else m.number(call.values[sized - 1]) & U32
    limits = result_range(prototype, size) or given_range(prototype, size)
    if scripted is None:
        drawn = m.environment.bits(_BITS.get(prototype.name, 64))
        return (
            drawn
            if limits is None or limits[0] == limits[1]
            else (limits[0] + drawn % (limits[1] - limits[0] + 1)) & U64
        )
    if limits is not None and not limits[0] <= signed(scripted, 64) <= limits[1]:
        raise Abstain(f"a scripted result that bpf_{prototype.name} cannot give")
    return scripted


def present(m: Machine, *, usual: bool) -> bool:
    """Whether a pointer that may be null is one; ``usual``: what a test run finds as a rule."""
    scripted = m.scripted()
    return m.environment.chance(usual) if scripted is None else scripted != 0


def result(m: Machine, call: Call) -> Value:
    """R0 after a helper of which nothing but the prototype is known; what it fills is unpredictable."""
    prototype = call.prototype
    if prototype.releases is not None:
        _release(m, call.values[prototype.releases - 1])
    for span in call.written:
        if span.size:
            span.fill(m.environment.bits(8 * span.size).to_bytes(span.size, m.word))
    if prototype.changes_packet:
        m.move_packet(f"bpf_{prototype.name}")
    kind = prototype.result
    if kind is ResultKind.INTEGER:
        return integer(m, call)
    if kind is ResultKind.VOID:
        return UNDEFINED
    if kind is ResultKind.ALLOC_MEM_OR_NULL and m.number(call.values[1]) & U64 > LARGEST_RECORD:
        return 0
    if kind.nullable and not present(m, usual=prototype.name not in _RARE):
        return 0
    region = _object(m, call)
    if prototype.acquires:
        m.resources.acquire(region)
    if prototype.name in VIEWS and isinstance(call.values[0], Pointer):
        m.resources.share(call.values[0].region, region)
    return Pointer(region, 0)


def _release(m: Machine, value: Value) -> None:
    if isinstance(value, Pointer):
        m.resources.release(value.region)
    elif value != 0:
        m.trap(rules.RELEASE_UNREFERENCED, "a number is not held")


def _object(m: Machine, call: Call) -> Region:
    prototype = call.prototype
    if prototype.result in _SOCKETS:
        return SocketRegion(_SOCKETS[prototype.result], m.environment)
    if prototype.result is ResultKind.ALLOC_MEM_OR_NULL:
        return RecordRegion(m.number(call.values[1]) & U64, m.environment)
    if prototype.result in (ResultKind.MAP_VALUE, ResultKind.MAP_VALUE_OR_NULL) and call.map is not None:
        return call.map.fresh()
    if prototype.result in (ResultKind.BTF_ID, ResultKind.BTF_ID_OR_NULL):
        struct = GIVEN_STRUCTURES.get(prototype.name)
        return KernelRegion(struct or f"what bpf_{prototype.name} gives", m.environment)
    if prototype.result in (ResultKind.MEM_OR_BTF_ID, ResultKind.MEM_OR_BTF_ID_OR_NULL):
        return _variable(m, call.values[0])
    raise Abstain(f"what bpf_{prototype.name} gives")


def _variable(m: Machine, given: Value) -> Region:
    """What a per-CPU variable holds on one CPU: read-only, and any number."""
    assert isinstance(given, Pointer)
    assert isinstance(given.region, VariableRegion)
    size = given.region.size
    drawn = bytearray(m.environment.bits(8 * size).to_bytes(size, m.word))
    return Region(given.region.name, drawn, m.environment.base(size), rules.MEMORY_BOUNDS, writable=False)
