"""What reaching any goal does: keep what a call gave, check it for null, and give it back in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, Register, goto, jump, mov64, store
from generators.attempts import DoesNotFit
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import INPUT_SLOTS, KEPT_SLOTS
from generators.releasing import release_all
from generators.resources import Resource
from generators.scopes import PendingJump
from generators.state import KnownPointer, PointerKind

Place = Register | int
"""A register, or a slot's offset from R10."""


@dataclass(slots=True)
class Chain:
    """One goal being reached."""

    b: Builder
    dice: Dice
    stays: bool
    """Whether what is acquired is left to the epilogue; where it was not to be had, the program then
    leaves."""
    before: tuple[Resource, ...] = field(init=False)
    """What was held before the goal."""
    nothing: list[PendingJump] = field(default_factory=list)
    """Taken where a call gave null."""

    def __post_init__(self) -> None:
        self.before = self.b.state.held

    def finish(self) -> None:
        """Give back what is not to stay, and come together with the paths on which there was nothing."""
        b = self.b
        if not self.stays:
            release_all(b, self.before, self.dice.pick(2))
        for taken in self.nothing:
            self.join(taken)

    def join(self, taken: PendingJump) -> None:
        """Let a path come to here, what the goal holds on it given back."""
        b = self.b
        if taken.state.held == b.state.held:
            b.land(taken)
            return
        over = b.skip(goto())
        b.resume(taken)
        release_all(b, self.before)
        b.land(over)

    def check_null(self) -> None:
        """Where R0 is null the goal ends, or the program."""
        null = jump(o.JEQ, R0, 0)
        if self.stays:
            self.b.leave_to_exit(null)
        else:
            self.nothing.append(self.b.branch(null))

    def keep(self) -> Place:
        """Take the pointer in R0 to where calls leave it."""
        b = self.b
        free = [register for register in b.state.free() if register > 5]
        slots = [slot for slot in KEPT_SLOTS if slot not in b.state.slots]
        if not free and not slots:
            raise DoesNotFit
        place: Place = free[-1] if free and (not slots or self.dice.pick(2)) else slots[0]
        b.emit(mov64(place, R0) if isinstance(place, Register) else store(o.DW, R10, place, R0))
        b.drop(R0)
        return place

    def find(self, fits: Callable[[KnownPointer], bool], referenced: bool) -> Place | None:
        """Where such a pointer is that calls leave; ``referenced``: one that this goal acquired."""
        state = self.b.state
        ours = {resource.id for resource in state.held if resource not in self.before}
        for place, content in self._pointers():
            owned = content.reference == content.id and content.reference in ours
            if not content.nullable and fits(content) and (owned or not referenced):
                return place
        return None

    def _pointers(self) -> Iterator[tuple[Place, KnownPointer]]:
        state = self.b.state
        places: list[tuple[Place, object]] = [(r, c) for r, c in state.registers.items() if r > 5]
        for place, content in [*places, *state.slots.items()]:
            if isinstance(content, KnownPointer):
                yield place, content

    def context(self, register: Register) -> None:
        """Let the register hold the context."""
        contexts = [r for r in self.b.state.pointers(PointerKind.CONTEXT) if r > 5]
        if not contexts:
            raise DoesNotFit
        self.b.emit(mov64(register, contexts[0]))

    def fill_input(self) -> None:
        """Write the slots of input that nobody wrote."""
        b = self.b
        for slot in INPUT_SLOTS:
            if slot not in b.state.slots:
                b.emit(store(o.DW, R10, slot, self.dice.pick(256)))
