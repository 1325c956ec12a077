"""Comparisons turned round: their operands, or the ways on from them."""

from __future__ import annotations

from dataclasses import replace

from ebpf.editing import target
from ebpf.isa import opcodes as o
from ebpf.isa.build import goto
from ebpf.isa.insn import Insn
from ebpf.liveness import starts
from ebpf.program import Case
from ebpf.splicing import is_movable, replaced, with_instructions, with_program
from ebpf.verifier_log.effects import is_conditional

_WITH_OPERANDS_SWAPPED = {
    o.JEQ: o.JEQ, o.JNE: o.JNE, o.JSET: o.JSET,
    o.JGT: o.JLT, o.JLT: o.JGT, o.JGE: o.JLE, o.JLE: o.JGE,
    o.JSGT: o.JSLT, o.JSLT: o.JSGT, o.JSGE: o.JSLE, o.JSLE: o.JSGE,
}  # fmt: skip
_OPPOSITE = {
    o.JEQ: o.JNE, o.JNE: o.JEQ,
    o.JGT: o.JLE, o.JLE: o.JGT, o.JGE: o.JLT, o.JLT: o.JGE,
    o.JSGT: o.JSLE, o.JSLE: o.JSGT, o.JSGE: o.JSLT, o.JSLT: o.JSGE,
}  # fmt: skip
"""JSET has none."""


def swap_operands(case: Case) -> Case | None:
    """``if a > b`` becomes ``if b < a``."""
    insns = list(case.program.instructions)
    for at in starts(insns):
        insn = insns[at]
        swapped = _WITH_OPERANDS_SWAPPED.get(insn.opcode & o.OP_MASK)
        if is_conditional(insn) and insn.opcode & o.X and swapped is not None:
            insns[at] = replace(_with_operation(insn, swapped), dst=insn.src, src=insn.dst)
    return with_instructions(case, insns)


def invert_branches(case: Case) -> Case | None:
    """``if c goto L`` becomes ``if not c goto +1; goto L``: the way that was taken last is taken first."""
    program = case.program
    if not is_movable(program):
        return None
    for at in starts(program.instructions)[::-1]:
        insn = program.instructions[at]
        opposite = _OPPOSITE.get(insn.opcode & o.OP_MASK)
        if not is_conditional(insn) or opposite is None:
            continue
        led_to = target(insn, at)
        assert led_to is not None
        there = led_to + 1 if led_to > at else led_to
        pair = replace(_with_operation(insn, opposite), off=1), goto(there - at - 2)
        program = replaced(program, at, 1, pair)
    return with_program(case, program)


def _with_operation(insn: Insn, operation: int) -> Insn:
    return replace(insn, opcode=insn.opcode & ~o.OP_MASK | operation)
