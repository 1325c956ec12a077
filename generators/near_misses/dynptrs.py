"""Near misses with dynptrs: lost, given back twice, not made, read as memory, overwritten, and their memory
used unchecked, beyond its end, or when it is gone."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R10, jump, leave, load, mov64, store
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.dynptrs import give_back, of_record, of_value, sources
from generators.layout import OBJECT_BASE, UNTOUCHED
from generators.near_misses.table import RARE
from generators.steps import anything_in, to_stack


def _can(b: Builder) -> bool:
    return b.privileged and MAY_CALL.holds(b) and of_record in sources(b)


def _ask(b: Builder) -> int:
    """Its size; the call's slot."""
    to_stack(b, R1, OBJECT_BASE)
    at = b.call_kfunc("bpf_dynptr_size")
    anything_in(b, R0)
    return at


def _data(b: Builder, size: int) -> None:
    to_stack(b, R1, OBJECT_BASE)
    b.emit(mov64(R2, 0))
    b.emit(mov64(R3, size))
    b.call_helper("dynptr_data")


def lost_record(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, before it is given back."""
    if not _can(b):
        return None
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    of_record(b, dice)
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    anything_in(b, R0)
    return at


def given_back_twice(b: Builder, dice: Dice) -> int | None:
    if not _can(b):
        return None
    of_record(b, dice)
    give_back(b, dice)
    at = give_back(b, dice)
    anything_in(b, R0)
    return at


def local_given_back(b: Builder, dice: Dice) -> int | None:
    """One that is of no record."""
    if not _can(b):
        return None
    of_value(b, dice)
    at = give_back(b, dice)
    anything_in(b, R0)
    return at


def no_dynptr(b: Builder, dice: Dice) -> int | None:
    """Asked for its size where none was made, or one was overwritten in part."""
    if not _can(b):
        return None
    if dice.pick(2):
        of_value(b, dice)
        b.emit_breaking(store(o.B, R10, OBJECT_BASE + dice.pick(16), 0))
    else:
        for word in (0, 8):
            b.emit_breaking(store(o.DW, R10, OBJECT_BASE + word, 0))
    return _ask(b)


def second_slot(b: Builder, dice: Dice) -> int | None:
    """The second half of one, with another behind it, taken for a dynptr."""
    if not _can(b):
        return None
    for place in (UNTOUCHED, UNTOUCHED + 16):
        of_value(b, dice, place)
    to_stack(b, R1, UNTOUCHED + 8)
    if dice.pick(2):
        at = b.call_kfunc(dice.of(("bpf_dynptr_size", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly")))
    else:
        b.emit(mov64(R2, 0))
        b.emit(mov64(R3, 8))
        at = b.call_helper("dynptr_data")
        b.drop(R0)
    for register in (R0, R1, R2, R3):
        anything_in(b, register)
    return at


def dynptr_read(b: Builder, dice: Dice) -> int | None:
    """Its bytes, by a load."""
    if not _can(b):
        return None
    of_value(b, dice)
    code, size = dice.of(((o.DW, 8), (o.W, 4), (o.B, 1)))
    at = b.emit_breaking(load(code, R1, R10, OBJECT_BASE + dice.pick(16 // size) * size))
    anything_in(b, R0)
    return at


def memory_unchecked(b: Builder, dice: Dice) -> int | None:
    """Its memory without a comparison with null, where more is asked for than there is."""
    if not _can(b):
        return None
    of_value(b, dice)
    _data(b, 32)
    at = b.emit_breaking(load(o.W, R1, R0, 0))
    anything_in(b, R0)
    return at


def beyond_memory(b: Builder, dice: Dice) -> int | None:
    """A word that ends behind what was asked for, though not behind the dynptr."""
    if not _can(b):
        return None
    of_value(b, dice)
    _data(b, 8)
    nothing = b.branch(jump(o.JEQ, R0, 0))
    at = b.emit_breaking(load(o.W, R1, R0, dice.of((8, 6, 5, -1))))
    b.land(nothing)
    anything_in(b, R0)
    return at


def memory_kept(b: Builder, dice: Dice) -> int | None:
    """A record's memory, once the record is given back."""
    saved = [register for register in b.state.free() if register > 5]
    if not saved or not _can(b):
        return None
    of_record(b, dice)
    _data(b, 8)
    nothing = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(saved[-1], R0))
    give_back(b, dice)
    at = b.emit_breaking(load(o.W, R1, saved[-1], 0))
    b.drop(saved[-1])
    anything_in(b, R0)
    over = b.branch(jump(o.JEQ, R0, 0))
    b.resume(nothing)
    give_back(b, dice)
    b.drop(saved[-1])
    b.land(over)
    return at
