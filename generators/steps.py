"""A few instructions that belong together, as several productions need them."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R1, R2, R10, Register, add64, alu32, alu64, goto, jump, load_map, mov64, store
from ebpf.isa.insn import Insn
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import KEY_SLOT

SIZES = ((o.DW, 8), (o.W, 4), (o.H, 2), (o.B, 1))
"""(size bits of an opcode, bytes), widest first."""


def alu(op: int, dst: Register, operand: Register | int, wide: bool, *, signed: bool = False) -> Insn:
    """An operation of one width or the other."""
    return (alu64 if wide else alu32)(op, dst, operand, signed=signed)


def to_stack(b: Builder, register: Register, offset: int) -> None:
    """The register points to ``offset`` from R10."""
    b.emit(mov64(register, R10))
    b.emit(add64(register, offset))


def map_and_key(b: Builder, map_index: int) -> None:
    """R1 = the map, R2 = the key that lies at KEY_SLOT."""
    to_stack(b, R2, KEY_SLOT)
    b.emit_wide(load_map(R1, map_index))


def constant_key(b: Builder, key: int) -> None:
    """Four bytes of key at KEY_SLOT."""
    b.emit(store(o.W, R10, KEY_SLOT, key))


def anything_in(b: Builder, register: Register) -> None:
    """The register holds a zero of which nothing is remembered."""
    b.emit(mov64(register, 0))
    b.widen(register)


_WITHIN = (
    (o.JGT, True, False), (o.JLT, False, False), (o.JGE, True, False), (o.JLE, False, False),
    (o.JLE, True, True), (o.JGE, False, True), (o.JLT, True, True), (o.JGT, False, True),
)  # fmt: skip
"""(operation, whether the packet pointer comes before the packet's end, whether the comparison holds where
the bytes are there)."""


def within_packet(b: Builder, dice: Dice, pointer: Register, end: Register) -> None:
    """Leave the program where the packet does not reach as far as ``pointer``, by one of the comparisons that
    kernels know (kernel/bpf/verifier.c, try_match_pkt_pointers)."""
    op, pointer_first, holds = dice.of(_WITHIN)
    comparison = jump(op, *((pointer, end) if pointer_first else (end, pointer)))
    if not holds:
        b.leave_to_exit(comparison)
        return
    there = b.branch(comparison)
    b.exits.append(b.skip(goto()))
    b.resume(there)


def bound(b: Builder, dice: Dice, register: Register, limit: int) -> None:
    """Make the scalar in ``register`` at most ``limit``: it is already, by a mask, or by a branch to the
    exit.

    Without privilege always by a mask: the verifier then also walks branches that are only speculated
    (CVE-2019-7308), where no comparison holds.
    """
    if b.state.number(register).high <= limit and b.privileged:
        return
    if not b.privileged or dice.pick(2) == 0:
        mask = (1 << (limit + 1).bit_length() - 1) - 1
        b.emit(alu(o.AND, register, mask, dice.pick(2) == 0))
        b.widen(register, 0, mask)
    else:
        if b.state.number(register).low:
            b.widen(register)
        b.leave_to_exit(jump(o.JGT, register, limit))
