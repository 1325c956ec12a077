"""The helper functions the interpreter knows, by number.  Each reads R1 to R5 and gives R0.

What a helper does is documented in include/uapi/linux/bpf.h; errors are negative errno as 64-bit numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ebpf import rules
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.maps import MapType
from oracles.interpreter.accesses import locate
from oracles.interpreter.arena import ArenaRegion
from oracles.interpreter.context import ContextRegion
from oracles.interpreter.maps import JumpTable, Map
from oracles.interpreter.memory import Region
from oracles.interpreter.signals import Abstain
from oracles.interpreter.values import MAX_LOOPS, U64, UNDEFINED, Pointer, Value

if TYPE_CHECKING:
    from oracles.interpreter.machine import Machine

Helper = Callable[["Machine"], Value]
EFAULT, EINVAL, E2BIG = 14, 22, 7


def _memory(m: Machine, pointer: Value, size: int, what: str) -> tuple[Region, int]:
    """Region and offset of ``size`` bytes that a helper reads or writes; traps where no prototype allows them."""
    if not isinstance(pointer, Pointer) or isinstance(pointer.region, ContextRegion | ArenaRegion | JumpTable):
        m.trap(rules.HELPER_ARGUMENT, f"{what} is not memory a helper may use")
    return locate(m, pointer, 0, size)


def read_bytes(m: Machine, pointer: Value, size: int, what: str) -> bytes:
    """``size`` bytes a helper reads."""
    region, at = _memory(m, pointer, size, what)
    if region.shows_address(at, size):
        m.environment.used = True
    if not region.defined(at, size):
        if not m.privileged:
            m.trap(rules.UNINITIALISED_STACK, f"{what}: {size} bytes at {region.name}{at - len(region.data):+d}")
        m.environment.drawn = True
    return bytes(region.data[at : at + size])


def _any_map(m: Machine, register: int) -> Map:
    value = m.read(register)
    for candidate in m.maps:
        if isinstance(value, Pointer) and value.region is candidate.handle and value.offset == 0:
            return candidate
    m.trap(rules.HELPER_ARGUMENT, f"R{register} is not a map")


def _map(m: Machine) -> Map:
    chosen = _any_map(m, 1)
    if not chosen.modelled():
        raise Abstain(f"a map of type {chosen.spec.type.name.lower()}")
    return chosen


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
    if size == 0:
        m.trap(rules.HELPER_ARGUMENT, "R4 is 0")
    region, at = _memory(m, m.read(3), size, "R3")
    if not region.writable:
        m.trap(rules.READ_ONLY, f"{size} bytes written at {region.name}{at:+d}")
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
        result = m.number(m.read(0))
        if result > 1:
            m.trap(rules.RETURN_RANGE, f"the callback returned {result}, which is neither 0 nor 1")
        if result:
            return index + 1
    return number


def _tail_call(m: Machine) -> Value:
    """bpf_tail_call(ctx, prog_array, index): comes back, without a result, only where the array has no such program."""
    if m.read(1) != Pointer(m.context, 0):
        m.trap(rules.HELPER_ARGUMENT, "R1 is not the context")
    chosen = _any_map(m, 2)
    if chosen.spec.type is not MapType.PROG_ARRAY:
        m.trap(rules.HELPER_ARGUMENT, "R2 is not an array of programs")
    index = m.number(m.read(3)) & 0xFFFF_FFFF
    if any(int.from_bytes(key, "little") == index for key, _ in chosen.spec.contents):
        raise Abstain("a tail call into another program")
    return UNDEFINED


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
    "tail_call": _tail_call,
}
HELPERS: dict[int, Helper] = {HELPER_NUMBERS[name]: helper for name, helper in _BY_NAME.items()}
