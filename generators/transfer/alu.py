"""ALU and ALU64."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from ebpf.isa import opcodes as o
from ebpf.isa.build import R10, REGISTERS, Register
from ebpf.isa.insn import Insn
from generators.state import ANY, U64, Content, GenerationState, KnownPointer, Number, PointerKind
from generators.transfer.world import Handler, World

U32 = (1 << 32) - 1
LOW = Number(0, U32)
"""Anything that fits 32 bits."""
FRAME = KnownPointer(PointerKind.STACK)


@cache
def frame_pointer(offset: int) -> KnownPointer:
    """R10 plus ``offset``."""
    return KnownPointer(PointerKind.STACK, offset=offset)


def content_of(state: GenerationState, register: int) -> Content | None:
    """What it holds, R10 included."""
    return FRAME if register == R10 else state.registers.get(REGISTERS[register])


def put(state: GenerationState, register: Register, content: Content | None) -> None:
    """The register now holds this; None: it must not be read."""
    if content is None:
        state.registers.pop(register, None)
    else:
        state.registers[register] = content


def range_after(op: int, old: Number, imm: int, bits: int) -> Number:
    """The interval after an operation with a constant, where kernels are known to follow it; otherwise
    anything."""
    mask, top = (U64, ANY) if bits == 64 else (U32, LOW)
    if old.high > mask:
        old = top
    if op == o.AND and imm >= 0:
        return Number(0, min(old.high, imm))
    if op == o.RSH:
        return Number(old.low >> imm, old.high >> imm)
    if op == o.LSH and old.high << imm <= mask:
        return Number(old.low << imm, old.high << imm)
    if op == o.ADD and imm >= 0 and old.high + imm <= mask >> 1:
        return Number(old.low + imm, old.high + imm)
    return top


def _moved(pointer: KnownPointer, low: int, high: int, world: World) -> KnownPointer:
    """The pointer plus something between ``low`` and ``high``."""
    if pointer.kind is PointerKind.STACK and low == high:
        return frame_pointer(pointer.offset + low)
    if low == high or pointer.kind is not PointerKind.PACKET:
        return replace(pointer, size=pointer.size - high, offset=pointer.offset + low)
    # Nothing is proven of where it points now, and what is proven later holds for its copies only.
    return replace(pointer, size=0, offset=0, id=world.fresh())


def _binary_constant(state: GenerationState, insn: Insn, world: World) -> None:
    register = REGISTERS[insn.dst]
    old = state.registers.get(register)
    op, wide = insn.opcode & o.OP_MASK, insn.opcode & o.CLASS_MASK == o.ALU64
    if type(old) is Number:
        state.registers[register] = range_after(op, old, insn.imm, 64 if wide else 32)
    elif type(old) is KnownPointer and wide and op in (o.ADD, o.SUB):
        by = insn.imm if op == o.ADD else -insn.imm
        put(state, register, _moved(old, by, by, world))
    else:
        put(state, register, None)


def _binary_register(state: GenerationState, insn: Insn, world: World) -> None:
    register, wide = REGISTERS[insn.dst], insn.opcode & o.CLASS_MASK == o.ALU64
    old, by = state.registers.get(register), content_of(state, insn.src)
    if type(old) is Number and type(by) is Number:
        state.registers[register] = ANY if wide else LOW
        return
    if type(old) is Number:
        old, by = by, old
    added = wide and insn.opcode & o.OP_MASK == o.ADD
    if added and type(old) is KnownPointer and type(by) is Number:
        put(state, register, _moved(old, by.low, by.high, world))
    else:
        put(state, register, None)


def _move_constant(state: GenerationState, insn: Insn, world: World) -> None:
    number = insn.imm & (U64 if insn.opcode & o.CLASS_MASK == o.ALU64 else U32)
    state.registers[REGISTERS[insn.dst]] = Number(number, number)


def _move_register(state: GenerationState, insn: Insn, world: World) -> None:
    content, width = content_of(state, insn.src), insn.off
    wide = insn.opcode & o.CLASS_MASK == o.ALU64
    if width == o.ADDR_SPACE_CAST:
        put(state, REGISTERS[insn.dst], KnownPointer(PointerKind.ARENA) if insn.imm == 1 else ANY)
        return
    if width and type(content) is Number:
        # Nothing changes for what is not negative in that width.
        content = content if content.high < 1 << (width - 1) else ANY if wide else LOW
    elif not wide:
        content = content if type(content) is Number and content.high <= U32 else LOW
    put(state, REGISTERS[insn.dst], content)


def _negate(state: GenerationState, insn: Insn, world: World) -> None:
    state.registers[REGISTERS[insn.dst]] = ANY if insn.opcode & o.CLASS_MASK == o.ALU64 else LOW


def _swap(state: GenerationState, insn: Insn, world: World) -> None:
    state.registers[REGISTERS[insn.dst]] = Number(0, (1 << insn.imm) - 1)


_BINARY = (o.ADD, o.SUB, o.MUL, o.DIV, o.OR, o.AND, o.LSH, o.RSH, o.MOD, o.XOR, o.ARSH)
HANDLERS: dict[int, Handler] = {
    **{op | o.K | cls: _binary_constant for op in _BINARY for cls in (o.ALU, o.ALU64)},
    **{op | o.X | cls: _binary_register for op in _BINARY for cls in (o.ALU, o.ALU64)},
    **{o.MOV | o.K | cls: _move_constant for cls in (o.ALU, o.ALU64)},
    **{o.MOV | o.X | cls: _move_register for cls in (o.ALU, o.ALU64)},
    **{o.NEG | o.K | cls: _negate for cls in (o.ALU, o.ALU64)},
    o.END | o.K | o.ALU: _swap,
    o.END | o.X | o.ALU: _swap,
    o.END | o.K | o.ALU64: _swap,
}
