"""Arenas: numbers become pointers into memory shared with user space, and numbers again."""

from __future__ import annotations

from ebpf.isa.build import R0, cast_to_arena, cast_to_user, load, load_map, mov64, store
from ebpf.maps import MapSpec, MapType
from ebpf.program import LoadFlag, Program
from ebpf.program_rules import map_refusal
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.map_templates import add_map
from generators.productions.table import Production
from generators.steps import SIZES

SINCE = "6.9"
_MMAPABLE = 1 << 10
"""BPF_F_MMAPABLE (include/uapi/linux/bpf.h): no arena is made without it."""
ARENA = MapSpec(MapType.ARENA, 0, 0, 2, _MMAPABLE)
PAGES = (0, 4096)


def may_have_arena(b: Builder) -> bool:
    """Whether the program may have one."""
    flags = LoadFlag.SLEEPABLE if b.sleepable else LoadFlag(0)
    refusal = map_refusal(Program(b.type, (), flags=flags), ARENA, b.profile.release)
    return b.profile.kernel_functions and b.profile.knows(SINCE) and refusal is None


def _use_arena(b: Builder, dice: Dice) -> bool:
    """A number is cast to a pointer, there is a load or store through it, and it is cast back."""
    saved = [register for register in b.state.free() if register > 5]
    if not b.gpl or not may_have_arena(b) or not saved:
        return False
    place = saved[-1]
    numbers = [register for register in b.state.numbers() if register != place]
    b.emit_wide(load_map(place, add_map(b, ARENA)))
    b.emit(mov64(place, dice.of(numbers) if numbers and dice.pick(2) else dice.of(PAGES)))
    b.emit(cast_to_arena(place, place))
    code, size = dice.of(SIZES)
    offset = size * dice.pick(16)
    if dice.pick(2):
        b.emit(store(code, place, offset, immediate(dice)))
    else:
        b.emit(load(code, R0, place, offset))
    if dice.pick(2):
        b.emit(cast_to_user(place, place))
    b.drop(place)
    return True


_NEEDS = (needs.HAS_GOALS, needs.FREE, needs.OUTSIDE_LOOPS, needs.JIT)
PRODUCTIONS = (Production("arena", 2, _use_arena, _NEEDS),)
