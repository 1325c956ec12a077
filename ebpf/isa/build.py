"""Instructions as values: ``mov64(R2, R10)`` moves a register, ``mov64(R2, 7)`` a number.

A constructor takes its operands in the order of the text and gives one slot, or two for a 64-bit immediate.
Each gives a form of :mod:`ebpf.isa.table`; whether a program may use it there is not asked.
"""

from __future__ import annotations

from enum import IntEnum

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn


class Register(IntEnum):
    """R0 to R10, of a type of their own: an operand that is none is a number."""

    R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(o.REGISTERS)


Operand = Register | int
R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = REGISTERS = tuple(Register)
_Pair = tuple[Insn, Insn]


def alu64(op: int, dst: Register, operand: Operand, *, signed: bool = False) -> Insn:
    """``dst op= operand``, on 64 bits; ``signed`` division or modulo."""
    return _two_operands(op | o.ALU64, dst, operand, int(signed))


def alu32(op: int, dst: Register, operand: Operand, *, signed: bool = False) -> Insn:
    """``dst op= operand``, on 32 bits, the upper half becomes zero."""
    return _two_operands(op | o.ALU, dst, operand, int(signed))


def mov64(dst: Register, operand: Operand) -> Insn:
    """``dst = operand``."""
    return _two_operands(o.MOV | o.ALU64, dst, operand, 0)


def cast_to_arena(dst: Register, src: Register) -> Insn:
    """``dst`` = the number in ``src`` as a pointer into the program's arena."""
    return Insn(o.MOV | o.X | o.ALU64, int(dst), int(src), o.ADDR_SPACE_CAST, 1)


def cast_to_user(dst: Register, src: Register) -> Insn:
    """``dst`` = the address in user space of the place in the arena that ``src`` points to."""
    return Insn(o.MOV | o.X | o.ALU64, int(dst), int(src), o.ADDR_SPACE_CAST, 1 << 16)


def mov32(dst: Register, operand: Operand) -> Insn:
    """The low half of ``operand``, zero-extended."""
    return _two_operands(o.MOV | o.ALU, dst, operand, 0)


def add64(dst: Register, operand: Operand) -> Insn:
    """``dst += operand``."""
    return _two_operands(o.ADD | o.ALU64, dst, operand, 0)


def movsx(dst: Register, src: Register, width: int, *, wide: bool = True) -> Insn:
    """The low ``width`` bits of ``src``, sign-extended to 64 bits, or else to 32."""
    return Insn(o.MOV | o.X | (o.ALU64 if wide else o.ALU), int(dst), int(src), width)


def neg(dst: Register, *, wide: bool = True) -> Insn:
    """``dst = -dst``."""
    return Insn(o.NEG | (o.ALU64 if wide else o.ALU), int(dst))


def to_little_endian(dst: Register, width: int) -> Insn:
    """The low ``width`` bits of ``dst`` in little-endian order."""
    return Insn(o.END | o.K | o.ALU, int(dst), imm=width)


def to_big_endian(dst: Register, width: int) -> Insn:
    """The low ``width`` bits of ``dst`` in big-endian order."""
    return Insn(o.END | o.X | o.ALU, int(dst), imm=width)


def byte_swap(dst: Register, width: int) -> Insn:
    """The low ``width`` bits of ``dst`` in reverse order of bytes."""
    return Insn(o.END | o.K | o.ALU64, int(dst), imm=width)


def jump(op: int, dst: Register, operand: Operand, off: int = 0) -> Insn:
    """``if dst op operand goto off``, comparing 64 bits."""
    return _two_operands(op | o.JMP, dst, operand, off)


def jump32(op: int, dst: Register, operand: Operand, off: int = 0) -> Insn:
    """``if dst op operand goto off``, comparing 32 bits."""
    return _two_operands(op | o.JMP32, dst, operand, off)


def goto(off: int = 0) -> Insn:
    """An unconditional jump."""
    return Insn(o.JA | o.JMP, off=off)


def goto_long(distance: int = 0) -> Insn:
    """An unconditional jump of up to 2^31 slots."""
    return Insn(o.JA | o.JMP32, imm=distance)


def goto_register(dst: Register) -> Insn:
    """A jump to the address in ``dst``."""
    return Insn(o.JA | o.X | o.JMP, int(dst))


def may_goto(off: int = 0) -> Insn:
    """A jump that is taken once the program has gone round long enough."""
    return Insn(o.JCOND | o.JMP, off=off)


def call(helper: str | int) -> Insn:
    """A call of a helper, by name or number."""
    return Insn(o.CALL | o.JMP, imm=HELPER_NUMBERS[helper] if isinstance(helper, str) else helper)


def call_local(distance: int = 0) -> Insn:
    """A call of the function ``distance`` slots after the next instruction."""
    return Insn(o.CALL | o.JMP, src=o.CALL_LOCAL, imm=distance)


def call_kfunc(btf_id: int = 0, off: int = 0) -> Insn:
    """A call of a kernel function; ``off``: which of the program's BTF objects ``btf_id`` is of."""
    return Insn(o.CALL | o.JMP, src=o.CALL_KFUNC, off=off, imm=btf_id)


def leave() -> Insn:
    """``exit``."""
    return Insn(o.EXIT | o.JMP)


def load(size: int, dst: Register, src: Register, off: int, *, signed: bool = False) -> Insn:
    """``dst = *(size *)(src + off)``; ``size`` is :data:`ebpf.isa.opcodes.B`, H, W or DW."""
    return Insn(o.LDX | (o.MEMSX if signed else o.MEM) | size, int(dst), int(src), off)


def store(size: int, dst: Register, off: int, value: Operand) -> Insn:
    """``*(size *)(dst + off) = value``."""
    if isinstance(value, Register):
        return Insn(o.STX | o.MEM | size, int(dst), int(value), off)
    return Insn(o.ST | o.MEM | size, int(dst), 0, off, value)


def atomic(op: int, size: int, dst: Register, off: int, src: Register) -> Insn:
    """``lock *(size *)(dst + off) op= src``; with FETCH in ``op``, ``src`` is then what was there.  XCHG and
    CMPXCHG are operations too."""
    return Insn(o.STX | o.ATOMIC | size, int(dst), int(src), off, op)


def load_acquire(size: int, dst: Register, src: Register, off: int) -> Insn:
    """A load that no later access overtakes."""
    return Insn(o.STX | o.ATOMIC | size, int(dst), int(src), off, o.LOAD_ACQ)


def store_release(size: int, dst: Register, off: int, src: Register) -> Insn:
    """A store that overtakes no earlier access."""
    return Insn(o.STX | o.ATOMIC | size, int(dst), int(src), off, o.STORE_REL)


def load_packet(size: int, offset: int, index: Register | None = None) -> Insn:
    """R0 = the packet's bytes at ``offset``, from ``index`` on where given, in network order."""
    if index is None:
        return Insn(o.LD | o.ABS | size, imm=offset)
    return Insn(o.LD | o.IND | size, src=int(index), imm=offset)


def load_imm64(dst: Register, number: int) -> _Pair:
    """``dst = number``, all 64 bits."""
    return _wide(0, dst, number, number >> 32)


def load_map(dst: Register, index: int) -> _Pair:
    """``dst`` = the program's map with this index."""
    return _wide(o.PSEUDO_MAP_FD, dst, index, 0)


def load_map_value(dst: Register, index: int, offset: int = 0) -> _Pair:
    """``dst`` points into the only value of the program's map with this index."""
    return _wide(o.PSEUDO_MAP_VALUE, dst, index, offset)


def load_map_by_index(dst: Register, index: int) -> _Pair:
    """``dst`` = the map with this index in the load's ``fd_array``."""
    return _wide(o.PSEUDO_MAP_IDX, dst, index, 0)


def load_map_value_by_index(dst: Register, index: int, offset: int = 0) -> _Pair:
    """``dst`` points into the only value of the map with this index in the load's ``fd_array``."""
    return _wide(o.PSEUDO_MAP_IDX_VALUE, dst, index, offset)


def load_function(dst: Register, distance: int = 0) -> _Pair:
    """``dst`` = the function ``distance`` slots after the next slot, as a callback."""
    return _wide(o.PSEUDO_FUNC, dst, distance, 0)


def load_typed(dst: Register, btf_id: int) -> _Pair:
    """``dst`` = the kernel variable with this type."""
    return _wide(o.PSEUDO_BTF_ID, dst, btf_id, 0)


def _two_operands(opcode: int, dst: Register, operand: Operand, off: int) -> Insn:
    if isinstance(operand, Register):
        return Insn(opcode | o.X, int(dst), int(operand), off)
    return Insn(opcode, int(dst), 0, off, operand)


def _wide(src: int, dst: Register, low: int, high: int) -> _Pair:
    return Insn(o.LD_IMM64, int(dst), src, 0, _signed(low)), Insn(0, imm=_signed(high))


def _signed(number: int) -> int:
    low = number & 0xFFFF_FFFF
    return low - (1 << 32) if low >> 31 else low
