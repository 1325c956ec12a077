"""How a program ends: results to the output map, what is held given back, the common exit, then functions."""

from __future__ import annotations

from dataclasses import replace

from ebpf.intent import Intent
from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R5,
    R10,
    REGISTERS,
    alu64,
    leave,
    load,
    load_map_value,
    mov64,
    store,
)  # fmt: skip
from ebpf.maps import MapSpec, MapType
from ebpf.return_ranges import foreseen_range
from ebpf.rules import FALLS_OFF, RETURN_RANGE, Rule
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import INPUT_BASE
from generators.releasing import release_all
from generators.state import Number

OUTPUT_WORDS = 12


def epilogue(b: Builder, dice: Dice, last: Rule | None = None) -> None:
    """Every scalar register goes to the output map, so that a run shows all 64 bits of each; then the common
    exit.

    ``last`` is the rule to break here, where nothing else was broken.
    """
    release_all(b)
    _show_results(b)
    allowed = foreseen_range(b.type, b.attach_type, b.profile.release)
    if last is RETURN_RANGE and allowed is not None and b.intent is None:
        # A number too large, or one of which nothing is known but what a run shows.
        op = o.MOV if dice.pick(2) else o.OR
        b.emit_breaking(alu64(op, R0, allowed[1] + 4 * dice.of((1, 2, 1 << 20))))
        b.intent = Intent(RETURN_RANGE, len(b.insns))
    elif allowed is not None:
        if allowed[0] == 0 and dice.pick(2):
            b.emit(alu64(o.AND, R0, allowed[1]))
        else:
            b.emit(mov64(R0, allowed[0]))
    b.emit(leave())
    _place_exits(b, allowed[0] if allowed else 0)
    _place_functions(b)
    if last is FALLS_OFF and b.intent is None and b.insns[-1] == leave():
        b.insns[-1] = mov64(R0, 0)
        b.intent = Intent(FALLS_OFF, len(b.insns) - 1)


def _place_functions(b: Builder) -> None:
    """Behind the program's end, each followed later by what it calls itself."""
    for function in b.functions:
        start = len(b.insns)
        b.starts.append(start)
        b.insns[function.at] = replace(function.call, imm=start - function.at - 1)
        b.insns.extend(function.body)
        b.functions += [replace(inner, at=start + index) for index, inner in function.inner]


def _place_exits(b: Builder, result: int) -> None:
    """Those that hold nothing share one; the others give back what they hold."""
    plain = [taken for taken in b.exits if not taken.state.held]
    for taken in plain:
        b.patch(taken.jump)
    if plain:
        b.emit(mov64(R0, result))
        b.emit(leave())
    for taken in b.exits:
        if taken.state.held:
            b.resume(taken)
            release_all(b)
            b.emit(mov64(R0, result))
            b.emit(leave())


def _show_results(b: Builder) -> None:
    """Scalars, and two slots, to the output map; R0 is a scalar afterwards."""
    b.maps.append(MapSpec(MapType.ARRAY, 4, 8 * OUTPUT_WORDS, 1, name="out"))
    numbers = b.state.numbers()
    spare = [r for r in REGISTERS[9::-1] if r not in numbers]
    pointer = spare[0] if spare else R5
    slots = sorted(s for s, c in b.state.slots.items() if s < INPUT_BASE and isinstance(c, Number))
    b.emit_wide(load_map_value(pointer, len(b.maps) - 1))
    for register in numbers:
        if register != pointer:
            b.emit(store(o.DW, pointer, 8 * register, register))
    for place, slot in enumerate(slots[:2]):
        spill = next(r for r in REGISTERS[1:6] if r != pointer)
        b.emit(load(o.DW, spill, R10, slot))
        b.emit(store(o.DW, pointer, 8 * (10 + place), spill))
    if R0 not in numbers or pointer == R0:
        b.emit(mov64(R0, 1))
