"""Helpers that call a function of the program: so many times, or for each element of a map."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R10,
    Register,
    alu64,
    jump,
    leave,
    load,
    load_map,
    mov64,
    store,
)
from ebpf.isa.insn import Insn
from ebpf.maps import MapType
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.layout import INPUT_BASE
from generators.maps import is_plain
from generators.productions.table import Production
from generators.scopes import StaticFunction
from generators.settling import change
from generators.steps import SIZES, alu, to_stack

_OPERATIONS = (o.ADD, o.XOR, o.OR, o.SUB)
_ITERABLE = frozenset({
    MapType.ARRAY, MapType.HASH, MapType.LRU_HASH, MapType.PERCPU_ARRAY, MapType.PERCPU_HASH,
})  # fmt: skip


def _accumulate(dice: Dice, number: Register, memory: Register, room: int) -> list[Insn]:
    """A place in memory takes up a number."""
    code, size = dice.of(SIZES)
    place = size * dice.pick(room // size)
    return [
        load(code, R0, memory, place),
        *change(dice, R0, number, wide=dice.pick(2) == 0).listing(),
        store(code, memory, place, R0),
    ]


def _end(dice: Dice, number: Register) -> list[Insn]:
    """Go on, or stop where the number says so."""
    if dice.pick(2):
        return [mov64(R0, 0), leave()]
    return [mov64(R0, 1), jump(o.JGT, number, dice.pick(8), 1), mov64(R0, 0), leave()]


def _known_slot(b: Builder, dice: Dice) -> int | None:
    """A slot of the callback's memory that holds a constant before the first round, now and then: what it
    holds after the last hangs on how many there were."""
    if dice.pick(2):
        return None
    slot = INPUT_BASE + 8 * dice.pick(8)
    b.emit(store(o.DW, R10, slot, dice.pick(3)))
    return slot


def _count_rounds(dice: Dice, slot: int | None, memory: Register) -> list[Insn]:
    """What a round does to that slot: it counts, up to a few.  Without an end a kernel that must know the
    count exactly later on would walk a million instructions."""
    if slot is None:
        return []
    place = slot - INPUT_BASE
    return [
        load(o.DW, R0, memory, place),
        jump(o.JGT, R0, 2 + dice.pick(5), 1),
        alu(o.ADD, R0, 1 + dice.pick(3), dice.pick(4) > 0),
        store(o.DW, memory, place, R0),
    ]


def _call_back(b: Builder, helper: str, body: list[Insn], slot: int | None = None) -> None:
    """Call the helper, which has its first argument, with the function and 64 bytes of stack; what is then
    in ``slot`` goes to a register, so that it is used."""
    b.load_callback(R2, StaticFunction(tuple(body)))
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, 0))
    b.call_helper(helper)
    if slot is not None:
        b.widen_slot(slot)
        b.emit(load(o.DW, (b.state.free() or [R0])[-1], R10, slot))


def _loop(b: Builder, dice: Dice) -> bool:
    if not b.profile.knows("5.17") or not b.has_helper("loop"):
        return False
    # Never no rounds: kernels remove the callback as dead code, and then miss it (docs/known-issues.md).
    numbers = [register for register in b.state.numbers() if register > 5]
    if numbers and dice.pick(3) == 2:
        b.emit(mov64(R1, dice.of(numbers)))
        b.emit(alu64(o.AND, R1, 7))
        b.emit(alu64(o.OR, R1, 1))
    else:
        b.emit(mov64(R1, 1 + dice.pick(8)))
    slot = _known_slot(b, dice)
    body = _count_rounds(dice, slot, R2)
    if slot is None or dice.pick(2):
        body += _accumulate(dice, R1, R2, 64)
    body.append(alu(dice.of(_OPERATIONS), R1, immediate(dice), dice.pick(2) == 0))
    _call_back(b, "loop", [*body, *_end(dice, R1)], slot)
    return True


def _for_each(b: Builder, dice: Dice) -> bool:
    """The elements of arrays and hashes; per-CPU values are those of this CPU."""
    if not b.profile.knows("5.13") or not b.has_helper("for_each_map_elem"):
        return False
    maps = [n for n, spec in enumerate(b.maps) if spec.type in _ITERABLE and is_plain(spec)]
    index = dice.of(maps)
    b.emit_wide(load_map(R1, index))
    code, size = dice.of(SIZES)
    # The callback gets the map, a key, its value and the context.
    body = [
        load(o.W, R5, R2, 0),
        load(code, R1, R3, size * dice.pick(b.maps[index].value_size // size)),
        *_accumulate(dice, R1, R4, 64),
    ]
    if dice.pick(2):
        body += _accumulate(dice, R5, R3, b.maps[index].value_size)
    _call_back(b, "for_each_map_elem", [*body, *_end(dice, R5)])
    return True


_NEEDS = (needs.PRIVILEGED, needs.MAY_CALL, needs.OUTSIDE_LOOPS, needs.INPUT, needs.JIT)
PRODUCTIONS = (
    Production("callback-loop", 1, _loop, _NEEDS),
    Production("callback-elements", 1, _for_each, _NEEDS),
)
