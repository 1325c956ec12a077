"""Handlers of the ALU and ALU64 classes: numbers by :mod:`oracles.interpreter.arithmetic`, pointers moved by
addition and subtraction."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf.byte_order import ByteOrderWord
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.interpreter.arena import TO_KERNEL, is_arena
from oracles.interpreter.arithmetic import (
    ALU32,
    ALU64,
    SIGNED32,
    SIGNED64,
    U32,
    U64,
    Operation,
    byte_swap,
    signed,
)
from oracles.interpreter.machine import Handler, Machine
from oracles.interpreter.memory import Pointer, Value


def _moved(m: Machine, op: int, d: Value, s: Value) -> Value | None:
    """``d op s`` where it is pointer arithmetic, else None.  The address of an instruction is not moved: it
    counts slots."""
    if isinstance(d, Pointer) and d.region is m.code_region:
        return None
    if isinstance(s, Pointer) and s.region is m.code_region:
        return None
    if op == o.ADD and isinstance(d, Pointer) and isinstance(s, int):
        return Pointer(d.region, signed(d.offset + s, 64))
    if op == o.ADD and isinstance(s, Pointer) and isinstance(d, int):
        return Pointer(s.region, signed(s.offset + d, 64))
    if op == o.SUB and isinstance(d, Pointer):
        if isinstance(s, int):
            return Pointer(d.region, signed(d.offset - s, 64))
        if isinstance(s, Pointer) and s.region is d.region:
            return (d.offset - s.offset) & U64
    return None


def _in_arena(m: Machine, d: Pointer, s: Value, operation: Operation) -> Pointer:
    """Arithmetic on an arena pointer: any operation, in 32 bits whatever the instruction's width."""
    return Pointer(d.region, operation(d.offset, m.number(s)))


def _wide(op: int, from_register: bool) -> Handler:
    plain, special = ALU64[op], SIGNED64.get(op)

    def handle(m: Machine, insn: Insn, pc: int) -> int:
        s: Value = m.read(insn.src) if from_register else insn.imm & U64
        d = m.read(insn.dst)
        if not (isinstance(d, int) and isinstance(s, int)):
            moved = _in_arena(m, d, s, _narrow_operation(op, insn)) if is_arena(d) else _moved(m, op, d, s)
            if moved is not None:
                m.write(insn.dst, moved)
                return pc + 1
            d, s = m.number(d), m.number(s)
        operation = special if special is not None and insn.off == 1 else plain
        m.write(insn.dst, operation(d, s))
        return pc + 1

    return handle


def _narrow_operation(op: int, insn: Insn) -> Operation:
    return SIGNED32[op] if op in SIGNED32 and insn.off == 1 else ALU32[op]


def _narrow(op: int, from_register: bool) -> Handler:
    plain, special = ALU32[op], SIGNED32.get(op)

    def handle(m: Machine, insn: Insn, pc: int) -> int:
        s = m.number(m.read(insn.src)) if from_register else insn.imm & U32
        d = m.read(insn.dst)
        operation = special if special is not None and insn.off == 1 else plain
        m.write(insn.dst, _in_arena(m, d, s, operation) if is_arena(d) else operation(m.number(d), s))
        return pc + 1

    return handle


def _cast(m: Machine, value: Value, imm: int) -> Value:
    """The value after ``addr_space_cast``."""
    arena = m.arena()
    low = m.number(value) & U32
    if imm == TO_KERNEL:
        return Pointer(arena, low)
    m.environment.used = True
    return arena.user & ~U32 | low if low else 0


def _move64_register(m: Machine, insn: Insn, pc: int) -> int:
    value = m.read(insn.src)
    if insn.off == 1:
        value = _cast(m, value, insn.imm)
    elif insn.off:
        value = signed(m.number(value), insn.off) & U64
    m.write(insn.dst, value)
    return pc + 1


def _move32_register(m: Machine, insn: Insn, pc: int) -> int:
    value = m.number(m.read(insn.src))
    m.write(insn.dst, (signed(value, insn.off) if insn.off else value) & U32)
    return pc + 1


def _move64_constant(m: Machine, insn: Insn, pc: int) -> int:
    m.write(insn.dst, insn.imm & U64)
    return pc + 1


def _move32_constant(m: Machine, insn: Insn, pc: int) -> int:
    m.write(insn.dst, insn.imm & U32)
    return pc + 1


def _negate(operation: Operation) -> Handler:
    def handle(m: Machine, insn: Insn, pc: int) -> int:
        m.write(insn.dst, operation(m.number(m.read(insn.dst)), 0))
        return pc + 1

    return handle


def _to_order(word: ByteOrderWord) -> Handler:
    """le16 and its kin: to the machine's own order they only truncate (RFC 9669, section 4.2)."""

    def handle(m: Machine, insn: Insn, pc: int) -> int:
        if m.word != word:
            return _swap(m, insn, pc)
        m.write(insn.dst, m.number(m.read(insn.dst)) & ((1 << insn.imm) - 1))
        return pc + 1

    return handle


def _swap(m: Machine, insn: Insn, pc: int) -> int:
    m.write(insn.dst, byte_swap(m.number(m.read(insn.dst)), insn.imm))
    return pc + 1


def _binary() -> Iterator[tuple[int, Handler]]:
    for op in ALU64:
        if op in (o.MOV, o.NEG):
            continue
        for source in (o.K, o.X):
            yield op | source | o.ALU64, _wide(op, source == o.X)
            yield op | source | o.ALU, _narrow(op, source == o.X)


HANDLERS: dict[int, Handler] = {
    **dict(_binary()),
    o.MOV | o.X | o.ALU64: _move64_register,
    o.MOV | o.X | o.ALU: _move32_register,
    o.MOV | o.K | o.ALU64: _move64_constant,
    o.MOV | o.K | o.ALU: _move32_constant,
    o.NEG | o.K | o.ALU64: _negate(ALU64[o.NEG]),
    o.NEG | o.K | o.ALU: _negate(ALU32[o.NEG]),
    o.END | o.K | o.ALU: _to_order("little"),
    o.END | o.X | o.ALU: _to_order("big"),
    o.END | o.K | o.ALU64: _swap,
}
