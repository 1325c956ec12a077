"""Instruction to handler: the opcode's own, or one that traps where no form of the table allows the
instruction."""

from __future__ import annotations

from functools import lru_cache

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.isa.table import IllegalInsn, form_of
from oracles.interpreter import accesses, alu, atomics, calls, immediates, jumps, packet_loads
from oracles.interpreter.machine import Handler, Machine

HANDLERS: dict[int, Handler] = {
    **alu.HANDLERS, **jumps.HANDLERS, **accesses.HANDLERS, **immediates.HANDLERS, **packet_loads.HANDLERS,
    **atomics.HANDLERS, **calls.HANDLERS,
}  # fmt: skip
"""By opcode."""


def _illegal(error: IllegalInsn) -> Handler:
    detail, field = str(error), error.field

    def handle(m: Machine, insn: Insn, pc: int) -> int:
        if insn.opcode == 0 and pc and m.code[pc - 1].opcode == o.LD_IMM64:
            m.trap(rules.JUMP_INTO_IMMEDIATE, "the second half of a 64-bit immediate")
        if field == "opcode" or (
            field == "imm" and insn.opcode & (o.MODE_MASK | o.CLASS_MASK) == o.ATOMIC | o.STX
        ):
            m.trap(rules.UNKNOWN_OPCODE, detail)
        m.trap(rules.RESERVED_FIELD, detail)

    return handle


@lru_cache(maxsize=64)
def handlers_of(code: tuple[Insn, ...]) -> list[Handler]:
    """What executes each slot of a program: the same for every run of it."""
    return [handler_of(insn) for insn in code]


@lru_cache(maxsize=1 << 15)
def handler_of(insn: Insn) -> Handler:
    """What executes ``insn``; never fails: an illegal instruction traps when, and only when, it is
    reached."""
    try:
        form_of(insn)
    except IllegalInsn as error:
        return _illegal(error)
    return HANDLERS[insn.opcode]
