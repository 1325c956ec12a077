"""Daring programs: one field of one instruction changed, so that nobody has said beforehand whether the
program is safe."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.verifier_log.effects import is_conditional, is_may_goto
from generators.constants import immediate
from generators.dice import Dice
from generators.settling import limits

_KEPT = (o.LD_IMM64, 0, o.CALL | o.JMP, o.EXIT | o.JMP)


_WRITES = (o.ALU, o.ALU64, o.LDX)


def count_of_loops(insns: list[Insn]) -> set[int]:
    """The indices of each loop's end and of what its counter starts with and goes on by.

    With another count the kernel walks a million instructions, for minutes, and the run might never end.
    """
    found = set()
    for end, insn in enumerate(insns):
        if insn.opcode & o.CLASS_MASK not in (o.JMP, o.JMP32) or insn.off >= 0:
            continue
        head = end + 1 + insn.off
        leaving = [at for at in range(max(head, 0), end) if _leads_beyond(insns[at], at, end)]
        found |= {end, *leaving}
        for counter in _compared(
            [insns[at] for at in leaving] if insn.opcode & o.OP_MASK == o.JA else [insn]
        ):
            writes = [at for at in range(end) if _writes(insns[at], counter)]
            found |= {*(at for at in writes if at >= head), *[at for at in writes if at < head][-1:]}
    return found


def _compared(tests: list[Insn]) -> set[int]:
    """The registers that comparisons read."""
    return {
        register for test in tests for register in (test.dst, test.src if test.opcode & o.X else test.dst)
    }


def _writes(insn: Insn, register: int) -> bool:
    return insn.opcode & o.CLASS_MASK in _WRITES and insn.dst == register


def _leads_beyond(insn: Insn, at: int, end: int) -> bool:
    conditional = is_conditional(insn) and not is_may_goto(insn)
    return conditional and at + 1 + insn.off > end


def mutate(insns: tuple[Insn, ...], dice: Dice) -> tuple[Insn, ...]:
    """A copy with one or two instructions changed; forms stay legal, meaning does not."""
    changed = list(insns)
    for _ in range(1 + dice.pick(2)):
        kept = count_of_loops(changed) | limits(changed)
        candidates = [n for n, insn in enumerate(changed) if insn.opcode not in _KEPT and n not in kept]
        if candidates:
            at = dice.of(candidates)
            changed[at] = _other(changed[at], dice)
    return tuple(changed)


def _other(insn: Insn, dice: Dice) -> Insn:
    cls, source = insn.opcode & o.CLASS_MASK, insn.opcode & o.SOURCE_MASK
    if cls in (o.JMP, o.JMP32) and insn.opcode & o.OP_MASK not in (o.JA, o.JCOND):
        op = dice.of((o.JEQ, o.JGT, o.JGE, o.JSET, o.JNE, o.JSGT, o.JSGE, o.JLT, o.JLE, o.JSLT, o.JSLE))
        form = dice.pick(3)
        if form == 0:
            return replace(insn, opcode=op | source | cls)
        if form == 1:
            return replace(insn, opcode=insn.opcode ^ (o.JMP ^ o.JMP32))
        return replace(insn, imm=immediate(dice)) if source == o.K else replace(insn, src=dice.pick(10))
    if cls in (o.ALU, o.ALU64) and insn.opcode & o.OP_MASK not in (o.END, o.NEG):
        op = insn.opcode & o.OP_MASK
        if source == o.K and op not in (o.LSH, o.RSH, o.ARSH, o.DIV, o.MOD):
            return replace(insn, imm=immediate(dice))
        return replace(
            insn,
            opcode=insn.opcode ^ (o.ALU ^ o.ALU64),
            imm=insn.imm & 31,
            off=0 if op == o.MOV else insn.off,
        )
    if cls in (o.LDX, o.ST, o.STX) and insn.opcode & o.MODE_MASK == o.MEM:
        if dice.pick(2):
            return replace(insn, off=max(-512, min(511, insn.off + dice.of((1, -1, 8, -8, 4, -4)))))
        return replace(insn, opcode=insn.opcode & ~o.SIZE_MASK | dice.of((o.B, o.H, o.W, o.DW)))
    return insn
