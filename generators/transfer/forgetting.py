"""Knowing less than the instructions would allow: always sound, and what keeps productions apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ebpf.isa.build import Register
from generators.state import ANY, GenerationState, Number


def drop(state: GenerationState, registers: Iterable[Register]) -> None:
    """Nobody reads these registers any more before they are written."""
    for register in registers:
        state.registers.pop(register, None)


def widen(state: GenerationState, register: Register, known: Number = ANY) -> None:
    """Of the scalar in the register only ``known`` is remembered."""
    old = state.number(register)
    assert known.low <= old.low <= old.high <= known.high, "a state may only get wider"
    state.registers[register] = known


def shrink(state: GenerationState, register: Register, size: int) -> None:
    """Of the memory behind the pointer only ``size`` bytes are remembered."""
    pointer = state.pointer(register)
    assert size <= pointer.size, "a state may only know less"
    state.registers[register] = replace(pointer, size=size)


def drop_slot(state: GenerationState, slot: int) -> None:
    """Nobody reads this slot any more before it is written."""
    state.slots.pop(slot, None)


def widen_slot(state: GenerationState, slot: int) -> None:
    """Of the scalar in the slot nothing is remembered."""
    assert isinstance(state.slots[slot], Number)
    state.slots[slot] = ANY


def enter_loop(state: GenerationState, counter: Register) -> None:
    """Let ``state`` be what holds in every round of a loop that ``counter`` counts."""
    for register, content in list(state.registers.items()):
        if isinstance(content, Number):
            state.registers[register] = ANY
        elif register < 6:
            # A call in the body would lose it for the next round.
            del state.registers[register]
    for slot, content in state.slots.items():
        if isinstance(content, Number):
            state.slots[slot] = ANY
    state.pinned |= {counter}


def leave_loop(entry: GenerationState, state: GenerationState, counter: Register) -> GenerationState:
    """What holds after the last round, of which ``state`` is the end."""
    after = entry.copy()
    for register, content in after.registers.items():
        if isinstance(content, Number):
            after.registers[register] = ANY
    for slot in after.slots.keys() - state.slots.keys():
        del after.slots[slot]
    after.pinned = entry.pinned - {counter}
    after.held = state.held
    return after
