"""Near misses with kernel pointers in map values: what was there is lost, not compared with null, what is put
there is used or not held, of another type or put elsewhere; and accesses that are not of the whole."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, add64, goto, jump, leave, mov64, store
from ebpf.maps import MapFieldKind
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.kernel_pointers import ValueSupply, call_reader, protects, readers, structures
from generators.goals.map_templates import KERNEL_POINTER_AT
from generators.near_misses.table import RARE, breaking_call, meet, rarely, read_or_write
from generators.releasing import STRUCT_RELEASERS, fetch, release
from generators.resources import ResourceKind
from generators.steps import SIZES, anything_in


def _value(
    b: Builder, dice: Dice, kind: MapFieldKind = MapFieldKind.KPTR, *, borrows: bool = False
) -> ValueSupply | None:
    """A value that holds a kernel pointer, and of what structure; ``borrows``: of one that can be asked
    something without being held."""
    possible = structures(b) if b.privileged and MAY_CALL.holds(b) else []
    if borrows:
        possible = [struct for struct in possible if readers(b, struct)]
    if not possible:
        return None
    supply = ValueSupply(b, dice, stays=False)
    supply.find_value(dice.of(possible), kind)
    return supply


def _hold(supply: ValueSupply) -> None:
    """What the exchange gave is held, should a kernel let it pass."""
    supply.check_null()
    supply.keep()


def old_value_lost(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, with what the value held."""
    supply = _value(b, dice)
    if supply is None:
        return None
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    supply.exchange(None)
    nothing = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    b.land(nothing)
    meet(supply)
    return at


def old_value_unchecked(b: Builder, dice: Dice) -> int | None:
    """What the value held is given back without a comparison with null."""
    supply = _value(b, dice)
    if supply is None:
        return None
    supply.exchange(None)
    b.emit(mov64(R1, R0))
    at = b.call_kfunc(STRUCT_RELEASERS[supply.struct])
    meet(supply)
    return at


def given_away_and_released(b: Builder, dice: Dice) -> int | None:
    """What was put into the value is released as well."""
    supply = _value(b, dice)
    if supply is None:
        return None
    given = supply.have(supply.struct, referenced=True)
    supply.exchange(given)
    nothing = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(R1, R0))
    b.call_kfunc(STRUCT_RELEASERS[supply.struct])
    b.land(nothing)
    fetch(b, R1, given)
    at = b.call_kfunc(STRUCT_RELEASERS[supply.struct])
    meet(supply)
    return at


def borrowed_given(b: Builder, dice: Dice) -> int | None:
    """What a value holds is put there once more, or released, though nobody took it out."""
    supply = _value(b, dice)
    if supply is None or not protects(b):
        return None
    supply.look()
    supply.check_null()
    if dice.pick(2):
        b.emit(mov64(R2, R0))
        supply.point(R1)
        at = b.call_helper("kptr_xchg")
        _hold(supply)
    else:
        b.emit(mov64(R1, R0))
        at = b.call_kfunc(STRUCT_RELEASERS[supply.struct])
    meet(supply)
    return at


def borrowed_unchecked(b: Builder, dice: Dice) -> int | None:
    """What a value holds is given to a function without a comparison with null."""
    supply = _value(b, dice, borrows=True)
    if supply is None or not protects(b):
        return None
    supply.look()
    at = call_reader(b, dice, dice.of(readers(b, supply.struct)))
    meet(supply)
    return at


def borrowed_for_too_long(b: Builder, dice: Dice) -> int | None:
    """What a value holds is used where no RCU read-side critical section keeps it any more."""
    if not b.sleepable or any(resource.kind is ResourceKind.RCU for resource in b.state.held):
        return None
    supply = _value(b, dice, borrows=True)
    if supply is None:
        return None
    b.call_kfunc("bpf_rcu_read_lock")
    supply.look()
    null = b.branch(jump(o.JEQ, R0, 0))
    place = supply.keep()
    b.call_kfunc("bpf_rcu_read_unlock")
    fetch(b, R0, place)
    at = call_reader(b, dice, dice.of(readers(b, supply.struct)))
    over = b.skip(goto())
    b.resume(null)
    release(b, b.state.held[-1])
    anything_in(b, R0)
    b.land(over)
    meet(supply)
    return at


def other_structure_kept(b: Builder, dice: Dice) -> int | None:
    """What is put into the value is of another type than what it holds."""
    supply = _value(b, dice)
    if supply is None:
        return None
    others = [each for each in structures(b) if each != supply.struct]
    if not others:
        return None
    at = supply.exchange(supply.have(dice.of(others), referenced=True))
    _hold(supply)
    meet(supply)
    return at


def kept_elsewhere(b: Builder, dice: Dice) -> int | None:
    """The exchange is with what is no kernel pointer."""
    supply = _value(b, dice)
    if supply is None:
        return None
    b.emit(mov64(R2, 0))
    supply.point(R1, dice.of((0, 16, KERNEL_POINTER_AT - 4, KERNEL_POINTER_AT + 1)))
    at = breaking_call(b, "kptr_xchg")
    b.emit_breaking(jump(o.JEQ, R0, 0, 2))
    b.emit_breaking(mov64(R1, R0))
    b.call_kfunc(STRUCT_RELEASERS[supply.struct])
    meet(supply)
    return at


def exchanged_without_reference(b: Builder, dice: Dice) -> int | None:
    """The exchange is with a kernel pointer that holds no reference."""
    supply = _value(b, dice, MapFieldKind.KPTR_UNTRUSTED)
    if supply is None:
        return None
    at = supply.exchange(None)
    _hold(supply)
    meet(supply)
    return at


def overwritten(b: Builder, dice: Dice) -> int | None:
    """A number, or a pointer that is held, is stored over the kernel pointer."""
    supply = _value(b, dice)
    if supply is None:
        return None
    given = supply.have(supply.struct, referenced=True) if dice.pick(2) else None
    over = rarely(b)
    fetch(b, R1, supply.value)
    if given is None:
        b.emit(mov64(R2, dice.pick(2)))
    else:
        fetch(b, R2, given)
    at = b.emit_breaking(store(o.DW, R1, KERNEL_POINTER_AT, R2))
    b.land(over)
    meet(supply)
    return at


def accessed_in_part(b: Builder, dice: Dice) -> int | None:
    """A part of a kernel pointer is read or written, or it and more."""
    supply = _value(b, dice)
    if supply is None:
        return None
    over = rarely(b)
    fetch(b, R1, supply.value)
    code, size = dice.of(SIZES)
    first = KERNEL_POINTER_AT - size + 1
    places = [first + n for n in range(8 + size - 1) if size < 8 or first + n != KERNEL_POINTER_AT]
    place = dice.of(places)
    at = read_or_write(b, dice, R1, code, place)
    b.land(over)
    meet(supply)
    return at


def moved_exchange(b: Builder, dice: Dice) -> int | None:
    """What is put into the value is a pointer into the structure."""
    supply = _value(b, dice)
    if supply is None:
        return None
    given = supply.have(supply.struct, referenced=True)
    fetch(b, R2, given)
    b.emit_breaking(add64(R2, dice.of((8, 1, -8))))
    supply.point(R1)
    at = b.call_helper("kptr_xchg")
    _hold(supply)
    meet(supply)
    return at
