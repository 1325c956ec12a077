"""Loads of context fields: what a field gives, and the pointers among them."""

from __future__ import annotations

from ebpf import rules
from ebpf.contexts import ContextField, ContextFieldKind
from ebpf.program_types import ProgramType
from ebpf.sockets import SocketKind
from oracles.interpreter.context import ContextRegion, field_at
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Pointer, Region, Value
from oracles.interpreter.objects import KernelRegion, SocketRegion
from oracles.interpreter.signals import Abstain

_SOCKETS = {
    ContextFieldKind.SOCKET: SocketKind.SOCKET,
    ContextFieldKind.SOCKET_OR_NULL: SocketKind.SOCKET,
    ContextFieldKind.SOCK_COMMON_OR_NULL: SocketKind.SOCK_COMMON,
}
FLOW_KEYS = 56
"""sizeof(struct bpf_flow_keys), include/uapi/linux/bpf.h."""


def load(m: Machine, region: ContextRegion, offset: int, size: int) -> Value:
    """A load, where the program type allows it: what nobody gave is drawn once and then stays."""
    field = field_at(region, offset, size, write=False)
    if field.kind in (ContextFieldKind.PACKET, ContextFieldKind.PACKET_META):
        m.check_packet()
        at_packet = field.kind is ContextFieldKind.PACKET
        return Pointer(m.packet, region.packet_start if at_packet else region.metadata_start)
    if field.kind is ContextFieldKind.PACKET_END:
        m.check_packet()
        return Pointer(m.packet, len(m.packet.data))
    if field.kind is not ContextFieldKind.NUMBER:
        if offset not in region.loaded:
            region.loaded[offset] = _pointer(m, region, field)
        return region.loaded[offset]
    if not region.holds(offset, size):
        raise Abstain(f"a context of more than {len(region.data)} bytes")
    if region.type is ProgramType.SK_LOOKUP and offset != field.offset:
        # The kernel's own fields are narrower: a load of a part need not give that part (6.12: family, from
        # its third byte).
        return m.environment.bits(8 * size)
    if not region.defined(offset, size):
        region.store(offset, m.environment.bits(8 * size).to_bytes(size, m.word))
    return int.from_bytes(region.data[offset : offset + size], m.word)


def _pointer(m: Machine, region: ContextRegion, field: ContextField) -> Value:
    """What a field that holds a pointer gives: null where the input says so."""
    if field.kind is ContextFieldKind.FLOW_KEYS:
        return Pointer(
            Region("flow keys", bytearray(FLOW_KEYS), m.environment.base(FLOW_KEYS), rules.MEMORY_BOUNDS), 0
        )
    if field.kind is ContextFieldKind.KERNEL:
        return Pointer(KernelRegion(field.name, m.environment), 0)
    kind = _SOCKETS.get(field.kind)
    if kind is None:
        raise Abstain(f"the {field.kind.value} {field.name} of the context")
    if field.kind is not ContextFieldKind.SOCKET:
        given = region.defined(field.offset, field.size)
        if not (
            any(region.data[field.offset : field.offset + field.size])
            if given
            else m.environment.chance(True)
        ):
            return 0
    return Pointer(SocketRegion(kind, m.environment), 0)
