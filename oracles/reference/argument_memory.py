"""Memory that helpers are given: all there, and written before where they read it."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.contexts import FREE_CONTEXT
from ebpf.contexts.tracing import SYSCALL
from ebpf.helpers import ArgKind
from ebpf.program_rules import PACKET_HELPERS, PACKET_WRITERS
from ebpf.program_types import ProgramType
from ebpf.releases import Release
from oracles.reference.contents import packet_byte
from oracles.reference.explorer import Explorer
from oracles.reference.overlaps import overlapped
from oracles.reference.places import BOUNDS, require_fresh, require_near, special_fields, within
from oracles.reference.registers import is_pointer, number
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import RegionKind, SymbolicPointer
from oracles.terms.bytes import joined
from oracles.terms.term import Condition, Term, add, conjunction, extract, negation, z

A = ArgKind
FREE = (Release.parse(FREE_CONTEXT).major, Release.parse(FREE_CONTEXT).minor)
HUGE = 1 << 29
"""BPF_MAX_VAR_SIZ, include/linux/bpf_verifier.h: kernels refuse sizes that may reach it."""
READS = {A.MEM, A.MEM_OR_NULL, A.MEM_RDONLY, A.MEM_OR_NULL_RDONLY}
WRITTEN = {A.MEM, A.MEM_OR_NULL}
"""What a helper reads and may have changed: kernels forget what they knew of it on the stack
(check_stack_range_initialized)."""
SIZED = READS | {A.MEM_UNINIT}
IN_MEMORY = SIZED | {
    A.MAP_KEY, A.MAP_VALUE, A.MAP_VALUE_OR_NULL, A.MAP_VALUE_UNINIT, A.FIXED_MEM, A.FIXED_MEM_INOUT,
    A.FIXED_MEM_UNINIT,
}  # fmt: skip
"""Arguments that are memory of the program's."""
MEMORY = {
    RegionKind.STACK, RegionKind.MAP_VALUE, RegionKind.PACKET, RegionKind.MEMORY, RegionKind.RING_BUFFER,
}  # fmt: skip
"""Memory that helpers may be given."""


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
    if region.kind is RegionKind.CONTEXT:
        _context(x, s, register, pointer, size)
        return
    if region.kind not in MEMORY:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is no memory a helper may use")
    if pointer.end:
        x.violation(s, rules.PACKET_BOUNDS, f"R{register} is the packet's end")
    if writes and not region.writable:
        x.violation(s, rules.READ_ONLY, region.kind.value)
    if reads and not region.readable:
        x.refuse(s, rules.READ_ONLY, f"{region.kind.value} is write-only")
    rule = BOUNDS[region.kind]
    place = pointer.offset
    if region.kind is RegionKind.PACKET and (
        x.facts.program.type not in (PACKET_WRITERS if writes else PACKET_HELPERS) or not packet
    ):
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register}: helper access to the packet")
    require_fresh(x, s, region)
    x.require(s, _inside(place, size, region.size), rule, f"R{register}: the helper's memory")
    if region.kind is RegionKind.MAP_VALUE and region.map is not None and x.facts.maps[region.map].fields:
        if not isinstance(size, int):
            raise Unmodelled("a helper's memory of unknown size in a value with special fields")
        special_fields(x, s, region, place, size, helper=True)
    if region.kind is RegionKind.PACKET and isinstance(size, int):
        require_near(x, s, place, size)
    if region.kind is RegionKind.STACK:
        _on_the_stack(x, s, register, pointer, size, reads)


def _context(x: Explorer, s: SymbolicState, register: int, pointer: SymbolicPointer, size: Term) -> None:
    """The context as a helper's memory: no kernel takes any but a syscall program's.

    Since 7.1 that is memory of its caller's, who gives as much as the program reaches (kernel/bpf/verifier.c,
    check_helper_mem_access; kernel/bpf/syscall.c, max_ctx_offset; asked of 6.1, 6.12, 6.18, 7.1 and 7.3).
    """
    if x.facts.program.type is not ProgramType.SYSCALL:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is the context")
    x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is the context", before=FREE)
    if x.possible(s, negation(_inside(pointer.offset, size, SYSCALL))):
        x.refuse(s, rules.CONTEXT_BOUNDS, f"R{register}: a helper's memory")
        raise Unmodelled("a helper's memory beyond the context")


def _inside(place: Term, size: Term, region: Term) -> Condition:
    if isinstance(size, int):
        return within(place, size, region)
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
    if isinstance(size, int) and overlapped(frame.stack, place, size):
        x.violation(s, rules.STACK_OBJECT, f"R{register}")
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


def content(x: Explorer, s: SymbolicState, pointer: SymbolicPointer, size: int) -> Term | None:
    """``size`` bytes as one number, where they are known."""
    place = pointer.offset
    if not isinstance(place, int):
        return None
    parts: list[Term] = []
    if pointer.region.kind is RegionKind.STACK:
        stack = next((f.stack for f in s.frames if f.region is pointer.region), None)
        for n in range(size):
            byte = None if stack is None else stack.bytes.get(place + n)
            if byte is None or is_pointer(byte[0]):
                return None
            parts.append(extract(number(s, byte[0]), 8 * byte[1] + 7, 8 * byte[1]))
    elif pointer.region.kind is RegionKind.PACKET:
        parts = [packet_byte(s, add(place, n)) for n in range(size)]
    else:
        return None
    return joined(parts, x.facts.order)
