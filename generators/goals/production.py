"""The production that reaches goals."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.helpers.prototype import Prototype
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, Register, load, store
from ebpf.kfuncs.objects import MAY_BE_EMPTY
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.callees import caller_of, goals
from generators.goals.chain import Place
from generators.goals.supply import Supply
from generators.maps import READ_ONLY, WRITE_ONLY
from generators.productions.table import Production
from generators.releasing import fetch
from generators.state import KnownPointer, PointerKind
from generators.steps import SIZES, constant_key, map_and_key

BUDGET = 4
"""Calls in one chain."""


def _call_something(b: Builder, dice: Dice) -> bool:
    options = goals(caller_of(b))
    if not options:
        return False
    return reach(b, dice, dice.of(options))


def reach(b: Builder, dice: Dice, prototype: Prototype) -> bool:
    """Call the helper, and before it what gives what it takes; False where that does not fit."""
    with b.attempt() as attempt:
        supply = Supply(b, dice, stays=not b.open and len(b.state.held) < 2 and dice.pick(4) == 3)
        place = supply.call(prototype, BUDGET)
        if place is not None:
            _use(supply, place)
        supply.finish()
        attempt.keep()
    return attempt.kept


def _use(supply: Supply, place: Place) -> None:
    b = supply.b
    content = b.state.registers[place] if isinstance(place, Register) else b.state.slots[place]
    assert isinstance(content, KnownPointer)
    _USES[content.kind](supply, place, content)


def _use_value(supply: Supply, place: Place, value: KnownPointer) -> None:
    """Read or write, as the map allows; only what may be both is left to others."""
    b, dice = supply.b, supply.dice
    flags = b.maps[value.map].flags if value.map >= 0 else 0
    fetch(b, R1, place)
    code, size = dice.of([(c, s) for c, s in SIZES if s <= value.size])
    offset = dice.pick(value.size // size) * size
    reads = not flags & WRITE_ONLY and (flags & READ_ONLY or dice.pick(2))
    b.emit(load(code, R0, R1, offset) if reads else store(code, R1, offset, immediate(dice)))
    b.drop(R1)
    if flags & (READ_ONLY | WRITE_ONLY):
        _forget(b, place)


def _use_map(supply: Supply, place: Place, found: KnownPointer) -> None:
    """A lookup in the map that was found."""
    b, dice = supply.b, supply.dice
    constant_key(b, dice.pick(3))
    map_and_key(b, 0)
    fetch(b, R1, place)
    _forget(b, place)
    b.call_helper("map_lookup_elem")
    supply.check_null()
    _use_value(supply, R0, b.state.pointer(R0))


def _use_record(supply: Supply, place: Place, record: KnownPointer) -> None:
    b, dice = supply.b, supply.dice
    fetch(b, R1, place)
    for _ in range(1 + dice.pick(3)):
        code, size = dice.of(SIZES)
        numbers = [r for r in b.state.numbers() if r != R1]
        content = dice.of(numbers) if numbers and dice.pick(2) else immediate(dice)
        b.emit(store(code, R1, dice.pick(record.size // size) * size, content))
    b.drop(R1)


def _use_socket(supply: Supply, place: Place, socket: KnownPointer) -> None:
    """Read the family, which every kind of socket has at that place; of TCP sockets it is the round trip."""
    b = supply.b
    fetch(b, R1, place)
    b.emit(load(o.W, R0, R1, 4))
    b.drop(R1)


def _use_first_word(supply: Supply, place: Place, given: KnownPointer) -> None:
    """Read what it begins with; of a structure seldom, since no run follows that, and never of one that is
    empty where a kernel is built without it."""
    b = supply.b
    if given.struct and (given.struct in MAY_BE_EMPTY or supply.dice.pick(4)):
        return
    fetch(b, R1, place)
    b.emit(load(o.W, R0, R1, 0))
    b.drop(R1)


def _forget(b: Builder, place: Place) -> None:
    if isinstance(place, Register):
        b.drop(place)
    else:
        b.drop_slot(place)


_USES: dict[PointerKind, Callable[[Supply, Place, KnownPointer], None]] = {
    PointerKind.MAP_VALUE: _use_value,
    PointerKind.MAP: _use_map,
    PointerKind.MEMORY: _use_record,
    PointerKind.SOCKET: _use_socket,
    PointerKind.SOCK_COMMON: _use_socket,
    PointerKind.TCP_SOCK: _use_socket,
    PointerKind.XDP_SOCK: _use_first_word,
    PointerKind.STRUCTURE: _use_first_word,
}

_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("goal", 16, _call_something, _NEEDS),)
