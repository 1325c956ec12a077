"""Helpers on maps whose contents a run follows: arrays, hashes, queues, stacks, storage
(kernel/bpf/helpers.c; Linux 6.12)."""

from __future__ import annotations

from errno import E2BIG, EINVAL, ENOENT

from ebpf.helpers.ownership import Found, found_by_lookup
from ebpf.helpers.script import is_followed
from ebpf.maps import MapType
from ebpf.sockets import SocketKind
from oracles.interpreter.arithmetic import U64
from oracles.interpreter.helpers import results
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.helpers.memory import readable, room
from oracles.interpreter.machine import Machine
from oracles.interpreter.maps import Map
from oracles.interpreter.memory import Pointer, Value
from oracles.interpreter.objects import SocketRegion
from oracles.interpreter.signals import Abstain


def _map(call: Call) -> Map:
    assert call.map is not None
    return call.map


def _followed(call: Call) -> Map:
    chosen = _map(call)
    if not is_followed(chosen.spec):
        raise Abstain(f"a map of type {chosen.spec.type.name.lower()}")
    return chosen


def lookup(m: Machine, call: Call) -> Value:
    """bpf_map_lookup_elem."""
    chosen = _map(call)
    if chosen.modelled():
        region = chosen.lookup(readable(m, call.values[1], chosen.spec.key_size, "R2"))
        return 0 if region is None else Pointer(region, 0)
    if m.script_left() == 0 and not chosen.spec.contents:
        return 0  # Nobody put anything there.
    if not results.present(m, usual=True):
        return 0
    match found_by_lookup(chosen.spec.type):
        case Found.SOCKET:
            socket = SocketRegion(SocketKind.SOCKET, m.environment)
            m.resources.acquire(socket)
            return Pointer(socket, 0)
        case Found.XDP_SOCKET:
            return Pointer(SocketRegion(SocketKind.XDP_SOCK, m.environment), 0)
        case Found.MAP:
            return Pointer(m.inner_map(chosen).handle, 0)
        case Found.VALUE:
            return Pointer(chosen.fresh(), 0)


def update(m: Machine, call: Call) -> Value:
    """bpf_map_update_elem."""
    chosen = _map(call)
    key = readable(m, call.values[1], chosen.spec.key_size, "R2")
    value = readable(m, call.values[2], chosen.spec.value_size, "R3")
    if not chosen.modelled():
        return results.integer(m, call)
    return chosen.update(key, value, m.number(call.values[3])) & U64


def delete(m: Machine, call: Call) -> Value:
    """bpf_map_delete_elem."""
    chosen = _map(call)
    key = readable(m, call.values[1], chosen.spec.key_size, "R2")
    return chosen.delete(key) & U64 if chosen.modelled() else results.integer(m, call)


def _bloom(m: Machine, call: Call, chosen: Map) -> Value:
    """A call on a bloom filter, which reads the value also where it looks for it; by the kernel's random seed
    a filter may hold what nobody put there (kernel/bpf/bloom_filter.c)."""
    readable(m, call.values[1], chosen.spec.value_size, "R2")
    return results.integer(m, call)


def push(m: Machine, call: Call) -> Value:
    """bpf_map_push_elem (kernel/bpf/queue_stack_maps.c): BPF_EXIST forgets the oldest element of a full
    map."""
    if _map(call).spec.type is MapType.BLOOM_FILTER:
        return _bloom(m, call, _map(call))
    chosen = _followed(call)
    flags = m.number(call.values[2])
    if flags not in (0, 2):
        return -EINVAL & U64
    value = readable(m, call.values[1], chosen.spec.value_size, "R2")
    if len(chosen.queue) == chosen.spec.max_entries:
        if not flags:
            return -E2BIG & U64
        chosen.queue.pop(0)
    chosen.queue.append(value)
    return 0


def _take(m: Machine, call: Call, *, remove: bool) -> Value:
    chosen = _followed(call)
    target = room(m, call.values[1], chosen.spec.value_size, "R2")
    if not chosen.queue:
        target.fill(bytes(chosen.spec.value_size))
        return -ENOENT & U64
    at = -1 if chosen.spec.type is MapType.STACK else 0
    target.fill(chosen.queue.pop(at) if remove else chosen.queue[at])
    return 0


def pop(m: Machine, call: Call) -> Value:
    """bpf_map_pop_elem."""
    return _take(m, call, remove=True)


def peek(m: Machine, call: Call) -> Value:
    """bpf_map_peek_elem."""
    if _map(call).spec.type is MapType.BLOOM_FILTER:
        return _bloom(m, call, _map(call))
    return _take(m, call, remove=False)


def local_storage(m: Machine, call: Call) -> Value:
    """bpf_get_local_storage: the control group's own value, zero in a test run (net/bpf/test_run.c)."""
    return Pointer(_map(call).storage(), 0)
