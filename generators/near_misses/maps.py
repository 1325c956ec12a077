"""Near misses with maps: read-only and write-only ones, direct addresses, the wrong type, struct bpf_map."""

from __future__ import annotations

from functools import cache

from ebpf.isa import opcodes as o
from ebpf.isa.build import R1, R2, R3, Register, load, load_map, load_map_value, mov64, store
from ebpf.maps import MapSpec, MapType
from ebpf.program import NO_FLAGS, LoadFlag, Program
from ebpf.program_rules import map_refusal
from ebpf.program_types import ProgramType
from generators.builder import Builder
from generators.dice import Dice
from generators.goals.map_templates import TEMPLATES, add_map
from generators.layout import INPUT_BASE
from generators.maps import READ_ONLY, WRITE_ONLY
from generators.near_misses.table import breaking_call, scalar
from generators.steps import SIZES, anything_in, to_stack

_VALUE = 24


def _value_of(b: Builder, flags: int) -> Register | None:
    """A register that points to the value of a map of one element with these flags; unprivileged programs may
    have such maps too."""
    free = b.state.free()
    if not free or not b.profile.knows("5.2"):
        return None
    index = add_map(b, MapSpec(MapType.ARRAY, 4, _VALUE, 1, flags))
    b.emit_wide(load_map_value(free[-1], index))
    return free[-1]


def read_only_written(b: Builder, dice: Dice) -> int | None:
    """A store to a value that the program may only read."""
    register = _value_of(b, READ_ONLY)
    if register is None:
        return None
    code, size = dice.of(SIZES)
    at = b.emit_breaking(store(code, register, size * dice.pick(_VALUE // size), 0))
    anything_in(b, register)
    return at


def write_only_read(b: Builder, dice: Dice) -> int | None:
    """A load from a value that the program may only write."""
    register = _value_of(b, WRITE_ONLY)
    if register is None:
        return None
    code, size = dice.of(SIZES)
    at = b.emit_breaking(load(code, register, register, size * dice.pick(_VALUE // size)))
    anything_in(b, register)
    return at


def address_outside(b: Builder, dice: Dice) -> int | None:
    """A direct address behind the value, or in a map of several elements."""
    free = b.state.free()
    if not free or not b.profile.knows("5.2"):
        return None
    index = dice.pick(len(b.maps))
    spec = b.maps[index]
    if spec.type is not MapType.ARRAY:
        return None
    at = b.emit_wide(load_map_value(free[-1], index, spec.value_size + dice.of((0, 1, 8, 1 << 20))))
    anything_in(b, free[-1])
    return at


def wrong_type_of_map(b: Builder, dice: Dice) -> int | None:
    """A value is pushed to an array, as if it were a queue or a stack."""
    arrays = [n for n, spec in enumerate(b.maps) if spec.type is MapType.ARRAY and spec.value_size <= 64]
    if INPUT_BASE not in b.state.slots or not b.has_helper("map_push_elem"):
        return None
    to_stack(b, R2, INPUT_BASE)
    b.emit_wide(load_map(R1, arrays[0]))
    b.emit(mov64(R3, 0))
    return breaking_call(b, "map_push_elem")


@cache
def _refused(program_type: ProgramType, sleepable: bool, release: str) -> tuple[MapSpec, ...]:
    """Maps that such programs may not use."""
    flags = LoadFlag.SLEEPABLE if sleepable else NO_FLAGS
    program = Program(program_type, (), flags=flags)
    return tuple(t.spec for t in TEMPLATES if map_refusal(program, t.spec, release) is not None)


def map_of_other_programs(b: Builder, dice: Dice) -> int | None:
    """A map that the program's type may not use."""
    refused = _refused(b.type, b.sleepable, b.profile.release)
    if not b.privileged or not refused:
        return None
    index = add_map(b, dice.of(refused))
    at = b.emit_wide(load_map(R1, index))
    b.drop(R1)
    return at


def map_read(b: Builder, dice: Dice) -> int | None:
    """A field of struct bpf_map is read without privilege."""
    if b.privileged:
        return None
    register = scalar(b)
    b.emit_wide(load_map(register, 0))
    at = b.emit_breaking(load(dice.of((o.W, o.DW)), register, register, 8 * dice.pick(4)))
    anything_in(b, register)
    return at
