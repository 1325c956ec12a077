"""The way that a bounded number takes to where it is used: what the verifier knows of it must outlive each
step.

When the use asks for precision, backtrack_insn() (kernel/bpf/verifier.c, backtrack.c since 7.1) must find
back along every one.
"""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R10, Register, add64, alu32, alu64, jump, leave, load, mov32, mov64, store
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.layout import SPILL_SLOTS
from generators.scopes import StaticFunction
from generators.state import KnownPointer

SMALL = 1 << 16
"""Constants and numbers below it leave room for the steps on the way."""


def carry(b: Builder, dice: Dice, register: Register, *, kept: tuple[Register, ...] = ()) -> None:
    """Take the number in ``register``, less than :data:`SMALL`, some way, which ends there again.

    Registers in ``kept`` are not touched.  Some ways change other registers that may be overwritten; where
    one does not fit, nothing is done.
    """
    dice.of(_WAYS)(b, dice, register, kept)


def _spare(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> Register | None:
    spare = [each for each in b.state.free() if each not in (register, *kept)]
    return dice.of(spare) if spare else None


def _straight(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    pass


def _by_low_half(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    b.emit(mov32(register, register))


def _by_stack(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    slot = dice.of(SPILL_SLOTS)
    if b.privileged and not (b.in_loop() and isinstance(b.state.slots.get(slot), KnownPointer)):
        b.emit(store(o.DW, R10, slot, register))
        b.emit(load(o.DW, register, R10, slot))


def _by_copy(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    spare = _spare(b, dice, register, kept)
    if spare is not None:
        b.emit(mov64(spare, register))
        if dice.pick(2):
            b.emit(mov64(register, dice.pick(8)))
        b.emit(mov64(register, spare))


def _by_constants(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    by, alu = 1 + dice.pick(SMALL), dice.of((alu64, alu32))
    b.emit(alu(o.ADD, register, by))
    b.emit(alu(o.SUB, register, by))


def _by_registers(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    spare = _spare(b, dice, register, kept)
    if spare is not None:
        b.emit(mov64(spare, dice.pick(SMALL)))
        b.emit(add64(register, spare))
        b.emit(alu64(o.SUB, register, spare))


def _by_shifts(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    by = 1 + dice.pick(12)
    b.emit(alu64(o.LSH, register, by))
    b.emit(alu64(o.RSH, register, by))


def _past_a_comparison(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    """Which says nothing of it: both ways lead on."""
    if b.privileged:
        b.land(b.branch(jump(dice.of((o.JNE, o.JSET)), register, 1 + dice.pick(8))))


def _by_function(b: Builder, dice: Dice, register: Register, kept: tuple[Register, ...]) -> None:
    """As argument and result of a function, which may keep it on its own stack meanwhile."""
    scratched = any(each < 6 for each in kept)
    if not b.privileged or scratched or not MAY_CALL.holds(b) or b.in_loop():
        return
    body = [mov64(R0, R1)]
    if dice.pick(2):
        body = [store(o.DW, R10, -8, R1), load(o.DW, R0, R10, -8)]
    if register != R1:
        b.emit(mov64(R1, register))
    b.call_static(StaticFunction((*body, leave())))
    if register != R0:
        b.emit(mov64(register, R0))


_WAYS: tuple[Callable[[Builder, Dice, Register, tuple[Register, ...]], None], ...] = (
    _straight, _straight, _by_low_half, _by_stack, _by_copy, _by_constants, _by_registers, _by_shifts,
    _past_a_comparison, _by_function,
)  # fmt: skip
