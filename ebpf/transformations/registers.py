"""Registers under other names, and independent instructions in another order."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.liveness import reads, starts, writes
from ebpf.program import Case
from ebpf.splicing import jump_targets, with_instructions

_NAMES = {6: 7, 7: 8, 8: 9, 9: 6}
"""Of the registers that mean the same to every call."""
_ARITHMETIC = (o.ALU, o.ALU64)


def rename(case: Case) -> Case | None:
    """R6 to R9 under each other's names; not beside the legacy packet loads, which take the context from
    R6."""
    insns = list(case.program.instructions)
    for at in starts(insns):
        insn = insns[at]
        if insn.opcode & o.CLASS_MASK == o.LD:
            if insn.opcode & o.MODE_MASK != o.IMM:
                return None
            insns[at] = replace(insn, dst=_NAMES.get(insn.dst, insn.dst))
        else:
            dst, src = _NAMES.get(insn.dst, insn.dst), _NAMES.get(insn.src, insn.src)
            insns[at] = replace(insn, dst=dst, src=src)
    return with_instructions(case, insns)


def reorder(case: Case) -> Case | None:
    """Neighbours of which neither reads or writes what the other writes, exchanged, pair by pair; at most one
    of them accesses memory."""
    insns = list(case.program.instructions)
    begun, led_to = set(starts(insns)), jump_targets(insns)
    at = 0
    while at + 1 < len(insns):
        first, second = insns[at], insns[at + 1]
        adjacent = {at, at + 1} <= begun and at + 1 not in led_to
        if adjacent and _is_simple(first) and _is_simple(second) and _is_independent(first, second):
            insns[at : at + 2] = second, first
            at += 1
        at += 1
    return with_instructions(case, insns)


def _is_simple(insn: Insn) -> bool:
    return insn.opcode & o.CLASS_MASK in (*_ARITHMETIC, o.LDX)


def _is_independent(first: Insn, second: Insn) -> bool:
    if first.opcode & o.CLASS_MASK == second.opcode & o.CLASS_MASK == o.LDX:
        return False
    touched = reads(second) | writes(second)
    return not (writes(first) & touched) and not (writes(second) & reads(first))
