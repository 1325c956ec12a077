"""Small programs on a memory of 16 bytes, for every form of instruction: what a plug-in of bpf_conformance is
given, R1 the memory and R0 the result."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R3, load_imm64
from ebpf.isa.forms import Form
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS
from ebpf.machine import TargetMachine

MEMORY = bytes(range(0x81, 0x91))
EXIT = Insn(o.EXIT | o.JMP)
LOAD = Insn(o.LDX | o.MEM | o.DW, int(R0), int(R1))
NUMBERS = (
    0, 1, (1 << 64) - 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63,
    0x123456789ABCDEF0, 0xFF, 0x80, 0x8000, 0xFFFF, 40, 65,
)  # fmt: skip
IMMEDIATES = (
    0, 1, -1, (1 << 31) - 1, -(1 << 31), 255, 256, 2047, 2048, -2048, -2049, 4095, 4096, -4097, 32767, 32768,
    -32769, 65535, 65536, 0x7FFFF000, 0x12345678,
)  # fmt: skip
"""At and beyond the edges of what machines encode in one instruction: 8, 12, 16 and 20 bits."""
OF_EACH = 3
Written = tuple[str, tuple[Insn, ...], bytes]
"""A form's name, a program, and its memory."""


def every_form(machine: TargetMachine) -> Iterator[Written]:
    """The same programs every time."""
    rng = random.Random(7)
    for form in FORMS:
        cls, mode = form.opcode & o.CLASS_MASK, form.opcode & o.MODE_MASK
        if cls in (o.ALU, o.ALU64) and "cast" not in form.name:
            yield from _arithmetic(form, rng)
        elif cls in (o.JMP, o.JMP32) and form.opcode & o.OP_MASK not in (o.CALL, o.EXIT, o.JA, o.JCOND):
            yield from _comparison(form, rng)
        elif cls == o.LDX and mode in (o.MEM, o.MEMSX):
            for offset in range(9):
                yield form.name, (Insn(form.opcode, int(R0), int(R1), offset), EXIT), MEMORY
        elif cls in (o.ST, o.STX) and mode == o.MEM:
            for offset in range(9):
                yield from _store(form, offset)
        elif cls == o.STX and mode == o.ATOMIC:
            yield from _atomic(form, rng, machine)


def _fixed(values: object) -> int:
    return values[0] if isinstance(values, tuple) else 0


def _arithmetic(form: Form, rng: random.Random) -> Iterator[Written]:
    op = form.opcode & o.OP_MASK
    by_register = bool(form.opcode & o.X) and op != o.END
    width = 64 if form.opcode & o.CLASS_MASK == o.ALU64 else 32
    for _ in range(OF_EACH):
        imm = _fixed(form.imm)
        if not by_register and not isinstance(form.imm, tuple) and op != o.NEG:
            imm = rng.randrange(width) if op in (o.LSH, o.RSH, o.ARSH) else rng.choice(IMMEDIATES)
            imm = imm or 1 if op in (o.DIV, o.MOD) else imm
        source = int(R3) if by_register else 0
        insn = Insn(form.opcode, int(R0), source, _fixed(form.off), imm)
        yield (
            form.name,
            (*load_imm64(R0, rng.choice(NUMBERS)), *load_imm64(R3, rng.choice(NUMBERS)), insn, EXIT),
            b"",
        )


def _comparison(form: Form, rng: random.Random) -> Iterator[Written]:
    by_register = bool(form.opcode & o.X)
    for _ in range(OF_EACH):
        left, right = rng.choice(NUMBERS), rng.choice(NUMBERS)
        if rng.randrange(3) == 0:
            right = left
        jump = Insn(form.opcode, int(R1), int(R3) if by_register else 0, 1, 0)
        if not by_register:
            jump = Insn(form.opcode, int(R1), 0, 1, rng.choice(IMMEDIATES))
        one, zero = (Insn(o.MOV | o.K | o.ALU64, int(R0), imm=number) for number in (1, 0))
        yield form.name, (*load_imm64(R1, left), *load_imm64(R3, right), one, jump, zero, EXIT), b""


def _store(form: Form, offset: int) -> Iterator[Written]:
    by_register = form.opcode & o.CLASS_MASK == o.STX
    insn = Insn(
        form.opcode, int(R1), int(R3) if by_register else 0, offset, 0 if by_register else -0x12345678
    )
    for at in (0, 8):
        read = Insn(LOAD.opcode, int(R0), int(R1), at)
        yield form.name, (*load_imm64(R3, 0x1122334455667788), insn, read, EXIT), MEMORY


def _atomic(form: Form, rng: random.Random, machine: TargetMachine) -> Iterator[Written]:
    """The result register and memory, each shown by a program of its own."""
    loads = _fixed(form.imm) == o.LOAD_ACQ
    base, register = (R3, R1) if loads else (R1, R3)
    insn = Insn(form.opcode, int(base), int(register), 0, _fixed(form.imm))
    held = machine.byte_order.number(MEMORY[:8]), machine.byte_order.number(MEMORY[:4])
    for expected in (*held, rng.choice(NUMBERS)):
        before = (*load_imm64(R3, rng.choice(NUMBERS)), *load_imm64(R0, expected), insn)
        for shown in ((LOAD,), (Insn(o.MOV | o.X | o.ALU64, int(R0), int(R3)),), ()):
            yield form.name, (*before, *shown, EXIT), MEMORY
