"""Near misses with the kernel's structures and constant texts as helpers take them: another structure, a
number, a text that may change, one without an end."""

from __future__ import annotations

from ebpf.helpers.map_types import maps_for
from ebpf.isa.build import R0, R1, R2, R3, R4, Register, load_map, load_map_value, mov64
from ebpf.maps import MapType
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.chain import Chain
from generators.goals.map_templates import add_map, templates_for
from generators.goals.supply import text_map
from generators.layout import INPUT_BASE
from generators.maps import is_plain
from generators.near_misses.table import breaking_call, meet
from generators.releasing import fetch
from generators.steps import to_stack

_STORAGE = "task_storage_delete"


def _may_call(b: Builder, *names: str) -> bool:
    return b.privileged and MAY_CALL.holds(b) and all(b.has_helper(name) for name in names)


def _stack_of(b: Builder, chain: Chain, task: Register | int) -> int:
    """The helper that copies a task's stack is given something, and the call's slot."""
    chain.fill_input()
    fetch(b, R1, task)
    to_stack(b, R2, INPUT_BASE)
    b.emit(mov64(R3, 16))
    b.emit(mov64(R4, 0))
    return breaking_call(b, "get_task_stack")


def other_structure_given(b: Builder, dice: Dice) -> int | None:
    """The registers of a task in place of the task."""
    if not _may_call(b, "get_current_task_btf", "task_pt_regs", "get_task_stack"):
        return None
    chain = Chain(b, dice, stays=False)
    b.call_helper("get_current_task_btf")
    b.emit(mov64(R1, R0))
    b.call_helper("task_pt_regs")
    place = chain.keep()
    at = _stack_of(b, chain, place)
    if isinstance(place, Register):
        b.drop(place)
    else:
        b.drop_slot(place)
    meet(chain)
    return at


def number_for_structure(b: Builder, dice: Dice) -> int | None:
    """A number that is not 0 for a structure, where null would do."""
    specs = templates_for(_STORAGE, maps_for(_STORAGE), b.type, b.profile.linux, b.sleepable)
    if not _may_call(b, _STORAGE) or not specs:
        return None
    index = add_map(b, dice.of(specs))
    b.emit_wide(load_map(R1, index))
    b.emit(mov64(R2, 1 + dice.pick(1 << 20)))
    return breaking_call(b, _STORAGE)


def _compare(b: Builder, dice: Dice, index: int) -> int:
    """A comparison of the input with the value of a map, and the call's slot."""
    Chain(b, dice, stays=False).fill_input()
    to_stack(b, R1, INPUT_BASE)
    b.emit(mov64(R2, 1 + dice.pick(16)))
    b.emit_wide(load_map_value(R3, index))
    return breaking_call(b, "strncmp")


def changing_text(b: Builder, dice: Dice) -> int | None:
    """A text in a map that the program may write to."""
    plain = [n for n, spec in enumerate(b.maps) if spec.type is MapType.ARRAY and spec.max_entries == 1]
    plain = [n for n in plain if is_plain(b.maps[n])]
    if not _may_call(b, "strncmp") or not plain or not b.profile.knows("5.17"):
        return None
    return _compare(b, dice, dice.of(plain))


def endless_text(b: Builder, dice: Dice) -> int | None:
    """A text whose map ends before a zero comes."""
    if not _may_call(b, "strncmp") or not b.profile.knows("5.17"):
        return None
    return _compare(b, dice, add_map(b, text_map(b"sixteen letters!")))
