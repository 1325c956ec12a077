"""The helper functions the interpreter knows, by number.  Each reads R1 to R5 and gives R0.

What a helper does is documented in include/uapi/linux/bpf.h; errors are negative errno as 64-bit numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ebpf import rules
from ebpf.helper_names import HELPER_NUMBERS
from oracles.interpreter.accesses import locate
from oracles.interpreter.context import ContextRegion
from oracles.interpreter.maps import Map
from oracles.interpreter.signals import Abstain
from oracles.interpreter.values import U64, Pointer, Value

if TYPE_CHECKING:
    from oracles.interpreter.machine import Machine

Helper = Callable[["Machine"], Value]
MAX_LOOPS = 8 * 1024 * 1024
EFAULT, EINVAL, E2BIG = 14, 22, 7


def read_bytes(m: Machine, pointer: Value, size: int, what: str) -> bytes:
    """``size`` bytes a helper reads; traps where the prototype does not allow it."""
    region, at = locate(m, pointer, 0, size)
    if isinstance(region, ContextRegion):
        m.trap(rules.HELPER_ARGUMENT, f"{what} is the context")
    if region.pointers and any(p < at + size and at < p + 8 for p in region.pointers):
        m.environment.used = True
    if not region.defined(at, size):
        if not m.privileged:
            m.trap(rules.UNINITIALISED_STACK, f"{what}: {size} bytes at {region.name}{at - len(region.data):+d}")
        m.environment.drawn = True
    return bytes(region.data[at : at + size])


def _map(m: Machine) -> Map:
    value = m.read(1)
    for candidate in m.maps:
        if isinstance(value, Pointer) and value.region is candidate.handle and value.offset == 0:
            if not candidate.modelled():
                raise Abstain(f"a map of type {candidate.spec.type.name.lower()}")
            return candidate
    m.trap(rules.HELPER_ARGUMENT, "R1 is not a map")


def _lookup(m: Machine) -> Value:
    chosen = _map(m)
    region = chosen.lookup(read_bytes(m, m.read(2), chosen.spec.key_size, "R2"))
    return 0 if region is None else Pointer(region, 0)


def _update(m: Machine) -> Value:
    chosen = _map(m)
    key = read_bytes(m, m.read(2), chosen.spec.key_size, "R2")
    value = read_bytes(m, m.read(3), chosen.spec.value_size, "R3")
    return chosen.update(key, value, m.number(m.read(4))) & U64


def _delete(m: Machine) -> Value:
    chosen = _map(m)
    return chosen.delete(read_bytes(m, m.read(2), chosen.spec.key_size, "R2")) & U64


def _unpredictable(bits: int) -> Helper:
    def helper(m: Machine) -> Value:
        return m.environment.bits(bits)

    return helper


def _load_bytes(m: Machine) -> Value:
    """bpf_skb_load_bytes(skb, offset, to, len): clears the buffer where the packet is too short (net/core/filter.c)."""
    if m.read(1) != Pointer(m.context, 0):
        m.trap(rules.HELPER_ARGUMENT, "R1 is not the context")
    offset, size = m.number(m.read(2)) & 0xFFFF_FFFF, m.number(m.read(4)) & 0xFFFF_FFFF
    region, at = locate(m, m.read(3), 0, size)
    start = offset + m.context.link_header
    if offset > 0x7FFF_FFFF or not m.packet.holds(start, size):
        region.store(at, bytes(size))
        return -EFAULT & U64
    region.store(at, bytes(m.packet.data[start : start + size]))
    return 0


def _loop(m: Machine) -> Value:
    """bpf_loop(nr_loops, callback, context, flags): the number of calls made (kernel/bpf/bpf_iter.c)."""
    count, callback, context, flags = (m.read(n) for n in (1, 2, 3, 4))
    number = m.number(count) & 0xFFFF_FFFF
    if m.number(flags):
        return -EINVAL & U64
    if number > MAX_LOOPS:
        return -E2BIG & U64
    if not isinstance(callback, Pointer) or callback.region is not m.code_region:
        m.trap(rules.HELPER_ARGUMENT, "R2 is not a function")
    for index in range(number):
        m.registers[1:6] = [index, context, *m.scratched(3)]
        m.call_back(callback.offset)
        if m.number(m.read(0)) == 1:
            return index + 1
    return number


def _checksum(m: Machine) -> Value:
    """bpf_csum_diff(from, from_size, to, to_size, seed): the ones' complement sum of to minus from, and seed (RFC 1624)."""
    sizes = [m.number(m.read(n)) & 0xFFFF_FFFF for n in (2, 4)]
    chunks = [read_bytes(m, m.read(n), size, f"R{n}") if size else b"" for n, size in zip((1, 3), sizes, strict=True)]
    if any(size % 4 for size in sizes) or sum(sizes) > 512:
        return -EINVAL & U64
    # The folding differs between kernels and machines (csum_partial): only that it is 32 bits wide is specified.
    return (m.environment.bits(32) + sum(map(sum, chunks))) & 0xFFFF_FFFF


_BY_NAME: dict[str, Helper] = {
    "map_lookup_elem": _lookup,
    "map_update_elem": _update,
    "map_delete_elem": _delete,
    "ktime_get_ns": _unpredictable(63),
    "get_prandom_u32": _unpredictable(32),
    "get_smp_processor_id": _unpredictable(1),
    "skb_load_bytes": _load_bytes,
    "csum_diff": _checksum,
    "loop": _loop,
}
HELPERS: dict[int, Helper] = {HELPER_NUMBERS[name]: helper for name, helper in _BY_NAME.items()}
