"""A program under construction: instructions so far, the state they lead to, and the blocks still open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.helpers.availability import ALL, refusal
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec
from ebpf.program_types import AttachType, ProgramType
from ebpf.rules import Rule
from generators.profiles import Profile
from generators.state import ANY, GenerationState, Number, join

INPUT_BASE = -64
"""Offset from R10 of the 64 bytes of input that most programs start from."""
KEY_SLOT = -72
SPILL_SLOTS = tuple(range(-80, -144, -8))


@dataclass(slots=True)
class Block:
    """A forward branch to be patched: ``left`` more productions belong to it; ``taken`` is the state on the
    jump's path."""

    jump: int
    left: int
    taken: GenerationState
    has_else: bool = False


@dataclass(slots=True)
class OpenLoop:
    """A counted loop: ``counter`` goes up to ``bound``; ``entry`` is what must hold again at its end."""

    start: int
    left: int
    counter: int
    bound: int
    entry: GenerationState


@dataclass(slots=True)
class Builder:
    """``gpl``: whether helpers for GPL programs only may be called; ``helpers``: whether any helper may,
    though hardly any of their results can be foretold.  ``intent_rule`` and ``intent_at``: the rule a near
    miss broke and the instruction that breaks it.

    ``open`` holds the blocks and loops that later productions belong to, innermost last.
    """

    type: ProgramType
    profile: Profile
    privileged: bool
    attach_type: AttachType | None = None
    gpl: bool = True
    helpers: bool = False
    insns: list[Insn] = field(default_factory=list)
    state: GenerationState = field(default_factory=GenerationState)
    maps: list[MapSpec] = field(default_factory=list)
    open: list[Block | OpenLoop] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    functions: list[tuple[int, list[Insn]]] = field(default_factory=list)
    intent_rule: Rule | None = None
    intent_at: int = 0

    def emit(self, opcode: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> int:
        """Append one slot; its number."""
        self.insns.append(Insn(opcode, dst, src, off, imm))
        return len(self.insns) - 1

    def wide(self, dst: int, number: int, src: int = 0) -> None:
        """Append a 64-bit immediate load."""
        for opcode, half, reg, s in ((o.LD_IMM64, number, dst, src), (0, number >> 32, 0, 0)):
            low = half & 0xFFFF_FFFF
            self.emit(opcode, reg, s, 0, low - (1 << 32) if low >> 31 else low)

    def set_number(self, register: int, low: int = 0, high: int = ANY.high) -> None:
        """The register now holds a scalar in that range."""
        self.state.registers[register] = Number(low, high)

    def has_helper(self, name: str) -> bool:
        """Whether the program may call it."""
        capabilities = ALL if self.privileged else ()
        return (
            refusal(self.type, self.attach_type, HELPER_NUMBERS[name], self.profile.release, capabilities)
            is None
        )

    def free(self) -> list[int]:
        """Registers a production may overwrite, ascending: scalars and unused ones, never pinned."""
        registers = self.state.registers
        keep = self.state.pinned
        return [r for r in range(10) if r not in keep and isinstance(registers.get(r, ANY), Number)]

    def in_loop(self) -> bool:
        """Whether a loop is open."""
        return any(isinstance(scope, OpenLoop) for scope in self.open)

    def after_production(self) -> None:
        """Count one production against every open scope, and close those that are full."""
        for scope in self.open:
            scope.left -= 1
        while self.open and self.open[-1].left <= 0:
            self.close(self.open.pop())

    def close(self, scope: Block | OpenLoop) -> None:
        """End a scope here."""
        if isinstance(scope, OpenLoop):
            self._close_loop(scope)
        elif scope.has_else:
            over = self.emit(o.JA | o.JMP)
            self.land(scope.jump)
            then, self.state = self.state, scope.taken
            self.open.append(Block(over, 2, then))
        else:
            self.land(scope.jump)
            self.state = join(self.state, scope.taken)

    def land(self, jump: int) -> None:
        """Make the jump at slot ``jump`` lead here."""
        old = self.insns[jump]
        self.insns[jump] = Insn(old.opcode, old.dst, old.src, len(self.insns) - jump - 1, old.imm)

    def _close_loop(self, loop: OpenLoop) -> None:
        for register, content in loop.entry.registers.items():
            if isinstance(content, Number) and not isinstance(self.state.registers.get(register), Number):
                self.emit(o.MOV | o.K | o.ALU64, register)
        self.emit(o.ADD | o.K | o.ALU64, loop.counter, imm=1)
        at = self.emit(o.JLT | o.K | o.JMP, loop.counter, imm=loop.bound)
        old = self.insns[at]
        self.insns[at] = Insn(old.opcode, old.dst, old.src, loop.start - at - 1, old.imm)
        self.state = GenerationState(
            {r: c if not isinstance(c, Number) else ANY for r, c in loop.entry.registers.items()},
            {s: c for s, c in loop.entry.slots.items() if s in self.state.slots},
            loop.entry.pinned - {loop.counter},
        )

    def leave_to_exit(self, opcode: int, dst: int, src: int = 0, imm: int = 0) -> None:
        """A conditional jump to the program's common exit, patched at the end."""
        self.exits.append(self.emit(opcode, dst, src, 0, imm))
