"""Where an experiment is set up: its registers, its words of input, and the constants used so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R9, Register, jump, jump32, load_imm64, store
from generators.builder import Builder
from generators.constants import BOUNDARIES, U64, immediate, word
from generators.dice import Dice
from generators.layout import INPUT_BASE
from generators.scopes import PendingJump

SCRATCH, OUTPUT = R0, R9
"""R0 holds constants too wide for an immediate; R9 points to the output map's value."""
S32 = 1 << 31


@dataclass(slots=True)
class ExperimentBench:
    """Experiment ``number`` of a program: registers ``d`` and ``s``, and ``seen``, the constants met so far.

    ``taken`` are jumps whose taken way is to store these registers and leave.
    """

    b: Builder
    dice: Dice
    number: int
    d: Register
    s: Register
    seen: list[int] = field(default_factory=list)
    taken: list[tuple[PendingJump, tuple[Register, ...]]] = field(default_factory=list)

    def place(self, register: Register) -> int:
        """Offset from R10 of the word of input that is meant for ``register``."""
        return INPUT_BASE + 16 * self.number + (0 if register == self.d else 8)

    def small(self) -> int:
        """A constant that fits an immediate: one that was met before or its neighbour (edges meet there), or
        another."""
        dice = self.dice
        near = [n for n in self.seen if -S32 < n < S32 - 1]
        chosen = dice.of(near) + dice.pick(3) - 1 if near and dice.pick(3) == 2 else immediate(dice)
        self.seen.append(chosen)
        return chosen

    def wide(self) -> int:
        """Any 64-bit constant, likewise."""
        dice = self.dice
        chosen = (
            (dice.of(self.seen) + dice.pick(3) - 1) & U64 if self.seen and dice.pick(3) == 2 else word(dice)
        )
        self.seen.append(chosen - (U64 + 1) if chosen >> 63 else chosen)
        return chosen

    def leave_if(self, op: int, cls: int, register: Register, constant: int) -> None:
        """Leave the program if the comparison holds; ``constant`` is any 64-bit number, sign-extended."""
        compare = jump32 if cls == o.JMP32 else jump
        signed = constant - (U64 + 1) if constant >> 63 else constant
        if -S32 <= signed < S32:
            self.b.leave_to_exit(compare(op, register, signed))
        else:
            self.b.emit_wide(load_imm64(SCRATCH, constant & U64))
            self.b.leave_to_exit(compare(op, register, SCRATCH))

    def amount(self, bits: int) -> int:
        """A shift amount: mostly one that moves the highest bit of the last constant to the top, or just off
        it."""
        dice = self.dice
        if self.seen and dice.pick(2):
            return (bits - abs(self.seen[-1]).bit_length() + dice.pick(3)) % bits
        return dice.pick(bits)

    def span(self) -> int:
        """How far the two ends of a range are apart."""
        dice = self.dice
        return dice.of((1, 2, 7, 8, 15, 255, 256)) if dice.pick(2) else min(dice.of(BOUNDARIES), U64 >> 1)

    def show(self, registers: tuple[Register, ...]) -> None:
        """Show registers in the output map."""
        for place, register in enumerate(registers):
            self.b.emit(store(o.DW, OUTPUT, 16 * self.number + 8 * place, register))
