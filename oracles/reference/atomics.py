"""Atomic operations, load-acquire and store-release (RFC 9669 section 5.3; include/uapi/linux/bpf.h)."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.wording import in_bytes
from oracles.reference import accesses
from oracles.reference.explorer import Explorer
from oracles.reference.places import target
from oracles.reference.registers import is_pointer, number, read, write
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import SOCKETS, RegionKind, SymbolicPointer, Value
from oracles.terms.atomics import exchange, result_register
from oracles.terms.term import add, extract, mask, symbol, zero_extend

REFUSED = SOCKETS | {RegionKind.CONTEXT, RegionKind.PACKET, RegionKind.FLOW_KEYS}
"""kernel/bpf/verifier.c, atomic_ptr_type_ok."""


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """One atomic instruction."""
    size = o.SIZE_BYTES[insn.opcode & o.SIZE_MASK]
    if insn.imm == o.LOAD_ACQ:
        paths = []
        _may(x, s, read(x, s, insn.src), insn.off, size)
        for path, value in accesses.load(x, s, read(x, s, insn.src), insn.off, size):
            write(x, path, insn.dst, value)
            path.pc += 1
            paths.append(path)
        return paths
    value, base = read(x, s, insn.src), read(x, s, insn.dst)
    _may(x, s, base, insn.off, size)
    if insn.imm == o.STORE_REL:
        paths = accesses.store(x, s, base, insn.off, size, value)
        for path in paths:
            path.pc += 1
        return paths
    return _modify(x, s, insn, size, base, value)


def _may(x: Explorer, s: SymbolicState, base: Value, offset: int, size: int) -> None:
    if not isinstance(base, SymbolicPointer):
        return
    if base.region.kind in REFUSED:
        x.refuse(s, rules.ATOMIC_TARGET, base.region.kind.value)
    # Atomic operations are aligned whatever the flags (kernel/bpf/verifier.c, check_atomic:
    # strict_alignment_once).
    place = add(base.offset, offset & mask(64))
    if place % size != 0 if isinstance(place, int) else x.possible(s, place & (size - 1) != 0):
        x.refuse(s, rules.MISALIGNED, f"{in_bytes(size)}")


def _modify(
    x: Explorer, s: SymbolicState, insn: Insn, size: int, base: Value, value: Value
) -> list[SymbolicState]:
    bits = 8 * size
    expected = read(x, s, 0) if insn.imm == o.CMPXCHG else 0
    if is_pointer(value) and not x.facts.privileged:
        x.refuse(s, rules.POINTER_LEAK, "by an atomic operation")
    if is_pointer(expected) and not x.facts.privileged:
        x.refuse(s, rules.POINTER_LEAK, "R0 by a compare-and-exchange", since=(5, 17))
    paths: list[SymbolicState] = []
    register = result_register(insn)
    target(x, s, base, write=True)
    for path, loaded in accesses.load(x, s, base, insn.off, size):
        if is_pointer(loaded) and not x.facts.privileged:
            x.refuse(path, rules.POINTER_LEAK, "of a stored pointer by an atomic operation")
        # No kernel keeps a range for what an atomic operation fetched, or left behind.
        old = (
            extract(number(path, loaded), bits - 1, 0)
            if x.solver.relates
            else symbol(f"atomic!{path.number()}", bits)
        )
        operand = extract(number(path, value), bits - 1, 0)
        new = exchange(insn, old, operand, extract(number(path, expected), bits - 1, 0), bits)
        if new is None:
            raise Unmodelled("an atomic operation of another sort")
        for after in accesses.store(x, path, base, insn.off, size, zero_extend(new, bits)):
            # A whole pointer that was stored comes back as one.
            fetched = loaded if is_pointer(loaded) and size == 8 else zero_extend(old, bits)
            if register is not None:
                write(x, after, register, fetched)
            after.pc += 1
            paths.append(after)
    return paths
