"""Near misses with objects of the program's own: lost, dropped twice, not compared with null, taken for
another type, counted though nothing counts them, and accesses to what links them."""

from __future__ import annotations

from ebpf.btf.local_types import LocalType
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, add64, jump, leave, load, mov64, store
from ebpf.program_rules import TRACING
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.chain import Place
from generators.goals.local_objects import ObjectSupply, may_have_objects
from generators.local_types import ITEM, LEAF, LOCAL_TYPES, PLAIN, SHARED
from generators.near_misses.table import RARE, meet, rarely, read_or_write
from generators.releasing import fetch, release_all
from generators.steps import SIZES

_DROP, _COUNT = "bpf_obj_drop_impl", "bpf_refcount_acquire_impl"


def _supply(b: Builder, dice: Dice) -> ObjectSupply | None:
    if not b.privileged or not MAY_CALL.holds(b) or not may_have_objects(b):
        return None
    return ObjectSupply(b, dice, stays=False)


def _made(b: Builder, dice: Dice, kinds: tuple[LocalType, ...]) -> tuple[ObjectSupply, Place] | None:
    """An object of one of these types, and where it is."""
    supply = _supply(b, dice)
    return None if supply is None else (supply, supply.make(dice.of(kinds)))


def object_lost(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, with an object in hand."""
    supply = _supply(b, dice)
    if supply is None:
        return None
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    supply.make(PLAIN)
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    meet(supply)
    return at


def object_dropped_twice(b: Builder, dice: Dice) -> int | None:
    found = _made(b, dice, (PLAIN,))
    if found is None:
        return None
    supply, place = found
    release_all(b, supply.before)
    fetch(b, R1, place)
    at = b.call_kfunc(_DROP)
    meet(supply)
    return at


def object_used_after_drop(b: Builder, dice: Dice) -> int | None:
    """Read or written."""
    found = _made(b, dice, (PLAIN,))
    if found is None:
        return None
    supply, place = found
    release_all(b, supply.before)
    fetch(b, R1, place)
    at = b.emit_breaking(load(o.DW, R0, R1, 0) if dice.pick(2) else store(o.DW, R1, 8, 0))
    meet(supply)
    return at


def object_unchecked(b: Builder, dice: Dice) -> int | None:
    """A new object is used, or dropped, without a comparison with null."""
    supply = _supply(b, dice)
    if supply is None:
        return None
    b.emit(mov64(R1, PLAIN.id))
    b.call_kfunc("bpf_obj_new_impl")
    place = supply.keep()
    fetch(b, R1, place)
    at = b.call_kfunc(_DROP)
    meet(supply)
    return at


def object_access_unchecked(b: Builder, dice: Dice) -> int | None:
    """A new object is written to without a comparison with null."""
    supply = _supply(b, dice)
    if supply is None:
        return None
    b.emit(mov64(R1, PLAIN.id))
    b.call_kfunc("bpf_obj_new_impl")
    at = b.emit_breaking(store(o.DW, R0, 8 * dice.pick(2), 1))
    supply.check_null()
    supply.keep()
    meet(supply)
    return at


def beyond_the_object(b: Builder, dice: Dice) -> int | None:
    """An access behind or before it."""
    found = _made(b, dice, (PLAIN,))
    if found is None:
        return None
    supply, place = found
    over = rarely(b)
    fetch(b, R1, place)
    code, size = dice.of(SIZES)
    offset = dice.of((PLAIN.size, PLAIN.size - size + 1, -size, PLAIN.size + 4096))
    at = read_or_write(b, dice, R1, code, offset)
    b.land(over)
    meet(supply)
    return at


def link_accessed(b: Builder, dice: Dice) -> int | None:
    """What links or counts an object is read or written."""
    kinds = tuple(kind for kind in LOCAL_TYPES.values() if kind.fields)
    if b.type in TRACING:
        return None
    supply = _supply(b, dice)
    if supply is None:
        return None
    kind = dice.of(kinds)
    place = supply.make(kind)
    over = rarely(b)
    fetch(b, R1, place)
    field = dice.of(kind.fields)
    code, size = dice.of([each for each in SIZES if each[1] <= field.kind.size])
    offset = field.offset + size * dice.pick(field.kind.size // size)
    at = read_or_write(b, dice, R1, code, offset)
    b.land(over)
    meet(supply)
    return at


def moved_object_dropped(b: Builder, dice: Dice) -> int | None:
    """Dropped by a pointer into it."""
    found = _made(b, dice, (PLAIN,))
    if found is None:
        return None
    supply, place = found
    over = rarely(b)
    fetch(b, R1, place)
    b.emit_breaking(add64(R1, dice.of((8, -8, 1))))
    at = b.call_kfunc(_DROP)
    supply.join(over)
    meet(supply)
    return at


def uncounted_held_twice(b: Builder, dice: Dice) -> int | None:
    """One more reference to an object that counts none; seldom to one of which kernels keep no record, over
    which they warn (docs/known-issues.md), so that the machine is lost for other programs."""
    if b.type in TRACING:
        return None
    found = _made(b, dice, (PLAIN,) if dice.pick(16) == 15 else (ITEM, LEAF))
    if found is None:
        return None
    supply, place = found
    over = rarely(b)
    fetch(b, R1, place)
    at = b.call_kfunc(_COUNT)
    supply.keep()
    release_all(b, supply.before)
    supply.join(over)
    meet(supply)
    return at


def counted_in_the_middle(b: Builder, dice: Dice) -> int | None:
    """One more reference by a pointer into the object."""
    if b.type in TRACING:
        return None
    found = _made(b, dice, (SHARED,))
    if found is None:
        return None
    supply, place = found
    over = rarely(b)
    fetch(b, R1, place)
    b.emit_breaking(add64(R1, dice.of((8, 32, 64, -8))))
    at = b.call_kfunc(_COUNT)
    supply.keep()
    release_all(b, supply.before)
    supply.join(over)
    meet(supply)
    return at


def no_such_type(b: Builder, dice: Dice) -> int | None:
    """An object of what is no struct of the program's."""
    found = _made(b, dice, (PLAIN,))
    if found is None:
        return None
    supply, _ = found
    release_all(b, supply.before)
    b.emit(mov64(R1, dice.of((0, 4, 1000, -1))))  # the fourth is the number that the structs are made of
    at = b.call_kfunc("bpf_obj_new_impl")
    b.emit_breaking(jump(o.JEQ, R0, 0, 2))
    b.emit_breaking(mov64(R1, R0))
    b.call_kfunc(_DROP)
    meet(supply)
    return at
