"""Conditional jumps: what each of the two ways knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import eq, ge, gt, le, lt, ne

from ebpf.isa import opcodes as o
from ebpf.isa.build import REGISTERS
from ebpf.isa.insn import Insn
from generators.state import U64, GenerationState, KnownPointer, Number, PointerKind
from generators.transfer.calls import release

_PROVEN = {
    o.JGT: (PointerKind.PACKET, PointerKind.PACKET_END), o.JGE: (PointerKind.PACKET, PointerKind.PACKET_END),
    o.JLT: (PointerKind.PACKET_END, PointerKind.PACKET), o.JLE: (PointerKind.PACKET_END, PointerKind.PACKET),
}  # fmt: skip
"""By operation: what is compared with what where the packet reaches as far as the pointer if it fails; where
the operands are the other way round, if it holds (kernel/bpf/verifier.c, try_match_pkt_pointers)."""


def narrowed(op: int, old: Number, imm: int, holds: bool) -> Number | None:
    """What is left of ``old`` when an unsigned 64-bit comparison with ``imm`` does or does not hold; None:
    nothing is."""
    limit = imm & U64
    low, high = old.low, old.high
    if op == o.JGT:
        low, high = (max(low, limit + 1), high) if holds else (low, min(high, limit))
    elif op == o.JGE:
        low, high = (max(low, limit), high) if holds else (low, min(high, limit - 1))
    elif op == o.JLT:
        low, high = (low, min(high, limit - 1)) if holds else (max(low, limit), high)
    elif op == o.JLE:
        low, high = (low, min(high, limit)) if holds else (max(low, limit + 1), high)
    elif op in (o.JEQ, o.JNE) and (op == o.JEQ) == holds:
        low, high = max(low, limit), min(high, limit)
    return Number(low, high) if low <= high else None


def branch(state: GenerationState, insn: Insn) -> GenerationState:
    """Let ``state`` be what holds where the jump is not taken; the state where it is."""
    taken = state.copy()
    if insn.opcode & o.CLASS_MASK == o.JMP:
        if insn.opcode & o.SOURCE_MASK == o.K:
            _compare(taken, insn, True)
            _compare(state, insn, False)
        else:
            _prove_packet(state, taken, insn)
    return taken


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) & 1 else number


_HOLDS: dict[int, Callable[[int, int], bool]] = {
    o.JEQ: eq, o.JNE: ne, o.JGT: gt, o.JGE: ge, o.JLT: lt, o.JLE: le, o.JSGT: gt, o.JSGE: ge, o.JSLT: lt,
    o.JSLE: le, o.JSET: lambda a, b: a & b != 0,
}  # fmt: skip
_SIGNED = frozenset({o.JSGT, o.JSGE, o.JSLT, o.JSLE})


def _between_constants(state: GenerationState, insn: Insn, old: Number) -> bool | None:
    """Whether the jump is taken, where both operands are one number each; None where they are not."""
    other = Number(insn.imm & U64, insn.imm & U64)
    if insn.opcode & o.SOURCE_MASK == o.X:
        content = state.registers.get(REGISTERS[insn.src])
        if not isinstance(content, Number):
            return None
        other = content
    if old.low != old.high or other.low != other.high:
        return None
    bits, op = 64 if insn.opcode & o.CLASS_MASK == o.JMP else 32, insn.opcode & o.OP_MASK
    operands = (number.low & ((1 << bits) - 1) for number in (old, other))
    a, b = (_signed(each, bits) if op in _SIGNED else each for each in operands)
    return _HOLDS[op](a, b)


def outcomes(state: GenerationState, insn: Insn) -> tuple[Number | None, Number | None]:
    """What is left of the scalar that ``insn`` compares where it jumps, and where it does not."""
    old = state.number(REGISTERS[insn.dst])
    taken = _between_constants(state, insn, old)
    if taken is not None:
        return (old, None) if taken else (None, old)
    if insn.opcode & o.SOURCE_MASK == o.X or insn.opcode & o.CLASS_MASK == o.JMP32:
        return old, old
    op = insn.opcode & o.OP_MASK
    return narrowed(op, old, insn.imm, True), narrowed(op, old, insn.imm, False)


def _compare(state: GenerationState, insn: Insn, holds: bool) -> None:
    register, op = REGISTERS[insn.dst], insn.opcode & o.OP_MASK
    old = state.registers.get(register)
    if type(old) is Number:
        new = narrowed(op, old, insn.imm, holds)
        if new is not None:
            state.registers[register] = new
    elif type(old) is KnownPointer and old.nullable and insn.imm == 0 and op in (o.JEQ, o.JNE):
        _decide_null(state, old, (op == o.JEQ) == holds)


def _decide_null(state: GenerationState, pointer: KnownPointer, null: bool) -> None:
    """The pointer and its copies are null, or are not."""
    kept = pointer.id if pointer.reference else 0
    content = Number(0, 0) if null else replace(pointer, nullable=False, id=kept)
    for register, each in state.registers.items():
        if type(each) is KnownPointer and each.id == pointer.id:
            state.registers[register] = content
    for slot, each in state.slots.items():
        if type(each) is KnownPointer and each.id == pointer.id:
            state.slots[slot] = content
    if null and pointer.reference == pointer.id:
        release(state, pointer.reference)


def _prove_packet(failed: GenerationState, holds: GenerationState, insn: Insn) -> None:
    """So many bytes of packet are there, if the comparison fails, or if it holds."""
    compared = (failed.registers.get(REGISTERS[insn.dst]), failed.registers.get(REGISTERS[insn.src]))
    pointers = [pointer for pointer in compared if isinstance(pointer, KnownPointer)]
    kinds = tuple(pointer.kind for pointer in pointers)
    proven = _PROVEN.get(insn.opcode & o.OP_MASK)
    if len(kinds) < 2 or proven is None or kinds not in (proven, proven[::-1]):
        return
    state = failed if kinds == proven else holds
    end = next(pointer for pointer in pointers if pointer.kind is PointerKind.PACKET)
    for register, each in state.registers.items():
        if type(each) is KnownPointer and (each.kind, each.id) == (end.kind, end.id):
            state.registers[register] = replace(each, size=max(each.size, end.offset - each.offset))
