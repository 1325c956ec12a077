"""Helpers that copy to or from the packet (net/core/filter.c; Linux 6.12)."""

from __future__ import annotations

from errno import EFAULT, EINVAL

from oracles.interpreter.arithmetic import U64
from oracles.interpreter.helpers import results
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.helpers.memory import readable
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Value

U32 = 0xFFFF_FFFF


def _place(m: Machine, call: Call) -> tuple[int | None, int]:
    """Where in the packet, None for nowhere, and how many bytes."""
    offset, size = m.number(call.values[1]) & U32, m.number(call.values[3]) & U32
    start = offset + m.context.packet_start
    m.check_packet()
    return (start if offset <= 0x7FFF_FFFF and m.packet.holds(start, size) else None), size


def load_bytes(m: Machine, call: Call) -> Value:
    """bpf_skb_load_bytes(skb, offset, to, len): clears the buffer where the packet is too short."""
    start, size = _place(m, call)
    (target,) = call.written
    if start is None:
        target.fill(bytes(size))
        return -EFAULT & U64
    target.fill(bytes(m.packet.data[start : start + size]))
    return 0


def _xdp_errno(m: Machine, call: Call) -> int:
    """What a place that is nowhere gives: bpf_xdp_pointer takes no number of more than 16 bits."""
    return EFAULT if max(m.number(call.values[1]) & U32, m.number(call.values[3]) & U32) > 0xFFFF else EINVAL


def xdp_load_bytes(m: Machine, call: Call) -> Value:
    """bpf_xdp_load_bytes(xdp, offset, buf, len): leaves the buffer alone where the packet is too short."""
    start, size = _place(m, call)
    (target,) = call.written
    if start is None:
        return -_xdp_errno(m, call) & U64
    target.fill(bytes(m.packet.data[start : start + size]))
    return 0


def _store(m: Machine, call: Call, errno: int) -> Value:
    start, size = _place(m, call)
    data = readable(m, call.values[2], size, "R3")
    if start is None:
        return -errno & U64
    m.packet.store(start, data)
    return 0


def store_bytes(m: Machine, call: Call) -> Value:
    """bpf_skb_store_bytes(skb, offset, from, len, flags); pointers to the packet are invalid afterwards,
    whatever it does."""
    value = -EINVAL & U64 if m.number(call.values[4]) & ~3 else _store(m, call, EFAULT)
    m.move_packet("bpf_skb_store_bytes", keep=True)
    return value


def xdp_store_bytes(m: Machine, call: Call) -> Value:
    """bpf_xdp_store_bytes(xdp, offset, buf, len)."""
    return _store(m, call, _xdp_errno(m, call))


def xdp_length(m: Machine, call: Call) -> Value:
    """bpf_xdp_get_buff_len(xdp)."""
    m.check_packet()
    return len(m.packet.data) - m.context.packet_start


def pull_data(m: Machine, call: Call) -> Value:
    """bpf_skb_pull_data(skb, len): the packet may move, and keeps its contents."""
    m.move_packet("bpf_skb_pull_data", keep=True)
    return results.integer(m, call)
