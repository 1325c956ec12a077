"""Functions of the program that helpers call with what they found: an area of memory, a record that user
space wrote."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R5, R6, call, jump, leave, load, mov64, store
from ebpf.isa.insn import Insn
from generators.dice import Dice
from generators.scopes import StaticFunction
from generators.steps import SIZES

WORD = 8
"""Bytes of a record that are looked at."""


def _end(dice: Dice) -> tuple[Insn, ...]:
    """Go on, or stop."""
    return mov64(R0, dice.pick(2)), leave()


def _area_found(dice: Dice) -> StaticFunction:
    """Called with a task, its area of memory, and memory of the caller's: notes there that it was."""
    code, size = dice.of(SIZES)
    place = size * dice.pick(WORD // size)
    return StaticFunction((store(code, R3, place, 1 + dice.pick(100)), *_end(dice)))


def _record_drained(dice: Dice) -> StaticFunction:
    """Called with a dynptr of the record, and memory of the caller's: copies a word, where there is one."""
    return StaticFunction((
        mov64(R6, R2), mov64(R2, WORD * dice.pick(3)), mov64(R3, WORD), call("dynptr_data"),
        jump(o.JEQ, R0, 0, 2), load(o.DW, R1, R0, 0), store(o.DW, R6, 0, R1),
        *_end(dice),
    ))  # fmt: skip


def _record_read(dice: Dice) -> StaticFunction:
    """Called with a dynptr of the record, and memory of the caller's: has a word copied."""
    from_there = (mov64(R6, R2), mov64(R3, R1), mov64(R1, R6), mov64(R2, WORD))
    offset, flags = mov64(R4, WORD * dice.pick(3)), mov64(R5, 0)
    return StaticFunction((*from_there, offset, flags, call("dynptr_read"), *_end(dice)))


def _record(dice: Dice) -> StaticFunction:
    return (_record_drained, _record_read)[dice.pick(2)](dice)


CALLED_BACK: dict[str, Callable[[Dice], StaticFunction]] = {
    "find_vma": _area_found, "user_ringbuf_drain": _record,
}  # fmt: skip
"""By helper: the function that it is given."""
