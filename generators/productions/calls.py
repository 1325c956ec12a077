"""Productions that call: map lookups with their null check, updates, deletions, predictable helpers, and
subprograms."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R7,
    R8,
    R9,
    R10,
    jump,
    leave,
    load,
    load_map,
    load_map_by_index,
    load_map_value,
    load_map_value_by_index,
    mov64,
    store,
)
from ebpf.maps import MapType
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.layout import INPUT_BASE, KEY_SLOT
from generators.maps import is_plain
from generators.productions.table import Production
from generators.scopes import StaticFunction
from generators.steps import SIZES, alu, constant_key, map_and_key, to_stack

BY_INDEX = "5.14"
"""Since when a map is named by its place in an array of descriptors; objects have no such array."""
_LOCAL = (o.ADD, o.XOR, o.SUB, o.AND, o.OR, o.MUL, o.RSH, o.ARSH, o.LSH)
_SHIFTS = (o.RSH, o.ARSH, o.LSH)


def _key(b: Builder, dice: Dice) -> None:
    """Four bytes of key at KEY_SLOT: a constant, or a scalar."""
    numbers = [r for r in b.state.numbers() if r > 5]
    if numbers and dice.pick(3) == 2:
        b.emit(store(o.W, R10, KEY_SLOT, dice.of(numbers)))
    else:
        constant_key(b, dice.pick(3))


def _keyed(b: Builder) -> list[int]:
    """Maps with keys of four bytes, whose values are plain memory to read and to write."""
    return [n for n, spec in enumerate(b.maps) if spec.key_size == 4 and is_plain(spec)]


def _lookup(b: Builder, dice: Dice) -> bool:
    index = dice.of(_keyed(b))
    _key(b, dice)
    to_stack(b, R2, KEY_SLOT)
    by_index = b.profile.knows(BY_INDEX) and b.profile.kernel_functions and dice.pick(8) == 7
    b.emit_wide((load_map_by_index if by_index else load_map)(R1, index))
    b.call_helper("map_lookup_elem")
    b.leave_to_exit(jump(o.JEQ, R0, 0))
    keep = dice.of([r for r in (R7, R8, R9, R0) if b.state.may_lose(r)] or [R0])
    if keep != R0:
        b.emit(mov64(keep, R0))
        b.drop(R0)
    return True


def _direct(b: Builder, dice: Dice) -> bool:
    """The address of the only value of a map, or of a place in it."""
    fitting = [n for n, spec in enumerate(b.maps) if spec.type is MapType.ARRAY and spec.max_entries == 1]
    fitting = [n for n in fitting if is_plain(b.maps[n])]
    free = [register for register in b.state.free() if register > 5]
    if not fitting or not free or not b.profile.kernel_functions or not b.profile.knows("5.2"):
        return False  # of an object's map, either the value or the descriptor is used
    index, register = dice.of(fitting), dice.of(free)
    offset = 8 * dice.pick(b.maps[index].value_size // 8)
    by_index = b.profile.knows(BY_INDEX) and dice.pick(2)
    b.emit_wide((load_map_value_by_index if by_index else load_map_value)(register, index, offset))
    return True


def _update(b: Builder, dice: Dice) -> bool:
    index = dice.of(_keyed(b))
    _key(b, dice)
    map_and_key(b, index)
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, dice.of((0, 2, 1))))
    b.call_helper("map_update_elem")
    if not b.profile.knows("6.4"):
        # Before Linux 6.4 an array's update returns an int, of which the JIT keeps no sign (d7ba4cc900bf).
        b.emit(mov64(R0, 0))
    return True


def _subprogram(b: Builder, dice: Dice) -> bool:
    """A static function of two scalars; its body is placed behind the program's end."""
    numbers = b.state.numbers()
    for argument in (R1, R2):
        source = dice.of([r for r in numbers if argument == R1 or r != R1] or [R10])
        if source == R10:
            b.emit(mov64(argument, immediate(dice)))
        elif source != argument:
            b.emit(mov64(argument, source))
    depth = 1 + (dice.pick(4) == 3) * (1 + dice.pick(4))
    b.call_static(_function(dice, depth))
    return True


def _function(dice: Dice, depth: int) -> StaticFunction:
    """R0 = something of R1 and R2; it calls another function where ``depth`` is more than 1."""
    body = [mov64(R0, R1)]
    for _ in range(1 + dice.pick(3)):
        op, wide = dice.of(_LOCAL), dice.pick(2) == 0
        if op in _SHIFTS or dice.pick(2):
            body.append(alu(op, R0, dice.pick(32) if op in _SHIFTS else immediate(dice), wide))
        else:
            body.append(alu(op, R0, R2, wide))
    if dice.pick(2):
        body.append(jump(dice.of((o.JGT, o.JSGT, o.JLT)), R0, immediate(dice), 1))
        body.append(mov64(R0, dice.pick(64)))
    if dice.pick(4) == 3:
        code, _ = dice.of(SIZES)
        body += [store(o.DW, R10, -8, R0), load(code, R0, R10, -8)]
    if depth == 1:
        return StaticFunction((*body, leave()))
    call = StaticFunction(()).call
    body += [mov64(R1, R0), call, leave()]
    if dice.pick(2):
        body.insert(len(body) - 3, mov64(R2, immediate(dice)))
    return StaticFunction(tuple(body), inner=((body.index(call), _function(dice, depth - 1)),))


def _random(b: Builder, dice: Dice) -> bool:
    """An unpredictable 32-bit scalar: executions are not comparable afterwards, claims are."""
    if dice.pick(4):
        return False
    b.call_helper("get_prandom_u32")
    return True


PRODUCTIONS = (
    Production("direct-value", 2, _direct, (needs.FREE, needs.OUTSIDE_LOOPS)),
    Production("map-lookup", 4, _lookup, (needs.MAY_CALL, needs.OUTSIDE_LOOPS)),
    Production("map-update", 1, _update, (needs.MAY_CALL, needs.INPUT)),
    Production("subprogram", 2, _subprogram, (needs.PRIVILEGED, needs.MAY_CALL, needs.SCALAR)),
    Production("random", 1, _random, (needs.MAY_CALL,)),
)
