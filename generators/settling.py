"""What a round of a loop does to a word that the next round reads, where the verifier does not know how many
rounds there are.

It walks rounds until they show it nothing new of the word.  Numbers are widened to get there, but not where
they must be known exactly later on (kernel/bpf/verifier.c, widen_imprecise_scalars, 6.8 to 7.3): one that
grows by a little in each round is followed for thousands of rounds, until the kernel gives up (6.12.117:
655,095 instructions, 8,193 jumps).  So a word only changes in ways that settle within a few rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ebpf.isa import opcodes as o
from ebpf.isa.build import Register, jump
from ebpf.isa.insn import Insn
from generators.dice import Dice
from generators.steps import alu

_SETTLING = (o.XOR, o.OR)
"""What they leave is bits that are known, and ever fewer of them."""
_GROWING = (o.ADD, o.SUB)
_OPERATIONS = (o.ADD, o.XOR, o.OR, o.SUB)


@dataclass(frozen=True, slots=True)
class SettlingChange:
    """An instruction that changes the word; where the word may grow, a jump past it once it is not small."""

    insn: Insn
    past: Insn | None = None

    def listing(self) -> list[Insn]:
        """The instructions in order."""
        return [self.insn] if self.past is None else [self.past, self.insn]


def change(dice: Dice, word: Register, by: Register, *, wide: bool = True) -> SettlingChange:
    """Let a register, which holds the word, take up another."""
    op = dice.of(_OPERATIONS)
    insn = alu(op, word, by, wide)
    return SettlingChange(insn, None if op in _SETTLING else jump(o.JGT, word, 2 + dice.pick(5), 1))


def limits(insns: Sequence[Insn]) -> set[int]:
    """The slots of the jumps that end a word's growth, which programs keep that are changed at random."""
    return {
        at
        for at, (past, step) in enumerate(pairwise(insns))
        if (past.opcode, past.off) == (o.JGT | o.K | o.JMP, 1)
        and step.dst == past.dst
        and step.opcode & o.CLASS_MASK in (o.ALU, o.ALU64)
        and step.opcode & o.OP_MASK in _GROWING
    }
