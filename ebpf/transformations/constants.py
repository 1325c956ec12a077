"""Constants in two steps or in one, and masks as pairs of shifts."""

from __future__ import annotations

from dataclasses import replace

from ebpf.editing import Edit
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.liveness import starts
from ebpf.program import Case
from ebpf.splicing import is_movable, jump_targets, rewritten, with_program

_WIDTHS = {o.ALU: 32, o.ALU64: 64}
_INT32 = range(-(1 << 31), 1 << 31)


def split_and_merge(case: Case) -> Case | None:
    """``r = K; r += c`` becomes ``r = K + c``, and any other ``r = K`` becomes ``r = K - 1; r += 1``."""
    program = case.program
    if not is_movable(program):
        return None
    led_to = jump_targets(program.instructions)
    edits: dict[int, Edit] = {}
    for at in starts(program.instructions)[::-1]:
        first, following = program.instructions[at], program.instructions[at + 1 : at + 2]
        if not _is(first, o.MOV):
            continue
        if following and at + 1 not in led_to and _adds_to(following[0], first):
            edits[at] = Edit(2, (replace(first, imm=first.imm + following[0].imm),))
        else:
            step = 1 if first.imm > _INT32.start else -1
            add = Insn(o.ADD | o.K | first.opcode & o.CLASS_MASK, first.dst, imm=step)
            edits[at] = Edit(1, (replace(first, imm=first.imm - step), add))
    return with_program(case, rewritten(program, edits))


def _adds_to(second: Insn, first: Insn) -> bool:
    """Whether it adds a constant to the one just set, with a sum that fits."""
    same = (first.opcode & o.CLASS_MASK, first.dst) == (second.opcode & o.CLASS_MASK, second.dst)
    return same and _is(second, o.ADD) and first.imm + second.imm in _INT32


def shift_masks(case: Case) -> Case | None:
    """``r &= 2**n - 1`` becomes ``r <<= width - n; r >>= width - n``."""
    program = case.program
    if not is_movable(program):
        return None
    edits = {}
    for at in starts(program.instructions):
        insn = program.instructions[at]
        if _is(insn, o.AND) and insn.imm > 0 and not insn.imm & (insn.imm + 1):
            kind = insn.opcode & o.CLASS_MASK
            by = _WIDTHS[kind] - insn.imm.bit_length()
            pair = tuple(Insn(op | o.K | kind, insn.dst, imm=by) for op in (o.LSH, o.RSH))
            edits[at] = Edit(1, pair)
    return with_program(case, rewritten(program, edits))


def _is(insn: Insn, operation: int) -> bool:
    """Whether it is this operation with a constant, of whole registers or low halves."""
    kind = insn.opcode & o.CLASS_MASK
    return kind in _WIDTHS and insn.opcode == operation | o.K | kind and not insn.off and not insn.src
