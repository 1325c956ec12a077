"""Near misses with lists and trees of the program's own objects: used without the lock beside them, linked at
the wrong place or twice, used once the lock was given back, taken out and lost, and read or written
themselves."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R5, add64, jump, leave, load, mov64
from ebpf.maps import MapFieldKind
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.chain import Place
from generators.goals.local_objects import (
    CONTAINER_AT,
    LISTS,
    TREES,
    Container,
    ObjectSupply,
    comparison,
    may_link,
)
from generators.local_types import LOCAL_TYPES
from generators.near_misses.table import RARE, meet, rarely, read_or_write
from generators.releasing import fetch, release_all
from generators.steps import SIZES, anything_in

_CONTAINERS = (*LISTS, *TREES)


def _value(b: Builder, dice: Dice, containers: tuple[Container, ...] = _CONTAINERS) -> ObjectSupply | None:
    """A value with a list or tree."""
    if not b.privileged or not MAY_CALL.holds(b) or not may_link(b):
        return None
    supply = ObjectSupply(b, dice, stays=False)
    supply.find_value(dice.of(containers))
    return supply


def _leave_value(supply: ObjectSupply) -> None:
    supply.forget_value()
    meet(supply)


def unlocked(b: Builder, dice: Dice) -> int | None:
    """A list or tree is used while the lock beside it is not held."""
    supply = _value(b, dice)
    if supply is None:
        return None
    container = supply.container
    if dice.pick(2):
        place = supply.make(container.holds)
        over = rarely(b)
        at = supply.link(place)
        supply.join(over)
    else:
        over = rarely(b)
        at = supply.pop() if container.kind is MapFieldKind.LIST_HEAD else supply.first()
        if container.kind is MapFieldKind.LIST_HEAD:
            supply.check_null()
            supply.keep()
            release_all(b, supply.before)
        anything_in(b, R0)
        b.land(over)
    _leave_value(supply)
    return at


def lock_of_another(b: Builder, dice: Dice) -> int | None:
    """The lock that is held is beside another list or tree."""
    supply = _value(b, dice)
    if supply is None:
        return None
    container = supply.container
    other = ObjectSupply(b, dice, stays=False)
    other.find_value(container)
    over = rarely(b)
    other.lock()
    at = supply.pop() if container.kind is MapFieldKind.LIST_HEAD else supply.first()
    place = supply.keep()
    other.unlock()
    if container.kind is MapFieldKind.LIST_HEAD:
        fetch(b, R0, place)
        supply.check_null()
        supply.keep()
        release_all(b, supply.before)
    anything_in(b, R0)
    b.land(over)
    other.forget_value()
    supply.nothing += other.nothing
    _leave_value(supply)
    return at


def used_after_unlock(b: Builder, dice: Dice) -> int | None:
    """An object that was put into a list or tree is used when its lock was given back."""
    supply = _value(b, dice)
    if supply is None:
        return None
    container = supply.container
    place = supply.make(container.holds)
    supply.lock()
    supply.link(place)
    supply.unlock()
    fetch(b, R1, place)
    offset = container.holds.words[0][0]
    at = read_or_write(b, dice, R1, o.DW, offset)
    _leave_value(supply)
    return at


def dropped_once_linked(b: Builder, dice: Dice) -> int | None:
    """An object that is in a list or tree is dropped."""
    supply = _value(b, dice)
    if supply is None:
        return None
    place = supply.make(supply.container.holds)
    supply.lock()
    supply.link(place)
    supply.unlock()
    over = rarely(b)
    fetch(b, R1, place)
    at = b.call_kfunc("bpf_obj_drop_impl")
    b.land(over)
    _leave_value(supply)
    return at


def linked_twice(b: Builder, dice: Dice) -> int | None:
    """An object that is in a list or tree, and not held, is put there once more."""
    supply = _value(b, dice)
    if supply is None:
        return None
    place = supply.make(supply.container.holds)
    supply.lock()
    supply.link(place)
    at = supply.link(place)
    supply.unlock()
    _leave_value(supply)
    return at


def found_and_lost(b: Builder, dice: Dice) -> int | None:
    """What was taken out of a list is neither held on nor dropped."""
    supply = _value(b, dice, LISTS)
    if supply is None:
        return None
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    supply.lock()
    supply.pop()
    place = supply.keep()
    supply.unlock()
    fetch(b, R0, place)
    nothing = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    b.land(nothing)
    _leave_value(supply)
    return at


def found_unchecked(b: Builder, dice: Dice) -> int | None:
    """What was taken out of a list is read without a comparison with null."""
    supply = _value(b, dice, LISTS)
    if supply is None:
        return None
    container = supply.container
    supply.lock()
    supply.pop()
    place = supply.keep()
    supply.unlock()
    fetch(b, R1, place)
    at = b.emit_breaking(load(o.DW, R0, R1, container.holds.words[0][0] - container.link))
    fetch(b, R0, place)
    supply.check_null()
    supply.keep()
    _leave_value(supply)
    return at


def other_type_linked(b: Builder, dice: Dice) -> int | None:
    """An object is put into a list or tree of others."""
    supply = _value(b, dice)
    if supply is None:
        return None
    container = supply.container
    others = [kind for kind in LOCAL_TYPES.values() if kind is not container.holds]
    return _linked_wrongly(supply, supply.make(dice.of(others)), container.link)


def linked_elsewhere(b: Builder, dice: Dice) -> int | None:
    """An object is put into a list or tree by a pointer to what is not its link."""
    supply = _value(b, dice)
    if supply is None:
        return None
    container = supply.container
    wrong = [offset for offset in (0, 8, 24, 32, 40) if offset != container.link]
    return _linked_wrongly(supply, supply.make(container.holds), dice.of(wrong))


def _linked_wrongly(supply: ObjectSupply, place: Place, link: int) -> int:
    b = supply.b
    over = rarely(b)
    supply.lock()
    fetch(b, R2, place)
    b.emit_breaking(add64(R2, link))
    supply.point()
    at = _call_link(supply)
    supply.unlock()
    supply.join(over)
    _leave_value(supply)
    return at


def _call_link(supply: ObjectSupply) -> int:
    b = supply.b
    if supply.container.kind is MapFieldKind.RB_ROOT:
        b.load_callback(R3, comparison(supply.container))
        b.emit(mov64(R5, 0))
        return b.call_kfunc("bpf_rbtree_add_impl")
    b.emit(mov64(R4, 0))
    return b.call_kfunc(supply.dice.of(("bpf_list_push_front_impl", "bpf_list_push_back_impl")))


def no_container(b: Builder, dice: Dice) -> int | None:
    """What is taken for a list or tree is none, or one of the other kind."""
    supply = _value(b, dice)
    if supply is None:
        return None
    over = rarely(b)
    supply.lock()
    is_list = supply.container.kind is MapFieldKind.LIST_HEAD
    if dice.pick(2):
        supply.point(R1, dice.of((0, 16, CONTAINER_AT - 4, CONTAINER_AT + 1)))
    else:
        is_list = not is_list
        supply.point()
    at = b.call_kfunc("bpf_list_pop_front" if is_list else "bpf_rbtree_first")
    place = supply.keep()
    supply.unlock()
    if is_list:
        fetch(b, R0, place)
        supply.check_null()
        supply.keep()
        release_all(b, supply.before)
    anything_in(b, R0)
    b.land(over)
    _leave_value(supply)
    return at


def container_accessed(b: Builder, dice: Dice) -> int | None:
    """The list or tree itself is read or written."""
    supply = _value(b, dice)
    if supply is None:
        return None
    over = rarely(b)
    fetch(b, R1, supply.value)
    code, size = dice.of(SIZES)
    offset = CONTAINER_AT + size * dice.pick(16 // size)
    at = read_or_write(b, dice, R1, code, offset)
    b.land(over)
    _leave_value(supply)
    return at


def held_removed(b: Builder, dice: Dice) -> int | None:
    """What is taken out of a tree is held, which before Linux 6.16 means that it is in none."""
    supply = None if b.profile.knows("6.16") else _value(b, dice, TREES)
    if supply is None:
        return None
    container = supply.container
    place = supply.make(container.holds)
    over = rarely(b)
    supply.lock()
    fetch(b, R2, place)
    b.emit(add64(R2, container.link))
    supply.point()
    at = b.call_kfunc("bpf_rbtree_remove")
    kept = supply.keep()
    supply.unlock()
    fetch(b, R0, kept)
    supply.check_null()
    supply.keep()
    release_all(b, supply.before)
    anything_in(b, R0)
    supply.join(over)
    _leave_value(supply)
    return at
