"""Near misses with what the kernel keeps on the stack, iterators and saved flags: not made, made twice, left,
taken for another, read, overwritten, used when it is gone."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R10, jump, leave, load, mov64, store
from ebpf.kfuncs.iterators import ITERATORS
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.iterators import call, kinds
from generators.goals.sections import begin
from generators.goals.sections import kinds as section_kinds
from generators.layout import FLAG_SLOTS, OBJECT_BASE
from generators.near_misses.table import RARE
from generators.releasing import release_all
from generators.resources import ResourceKind
from generators.steps import anything_in, to_stack

_NUMBERS = ITERATORS["num"]


def _make(b: Builder, dice: Dice) -> bool:
    """An iterator over some numbers, where one may be made."""
    if not b.privileged or not MAY_CALL.holds(b) or _NUMBERS not in kinds(b):
        return False
    b.emit(mov64(R2, 0))
    b.emit(mov64(R3, 1 + dice.pick(4)))
    call(b, _NUMBERS, "new")
    return True


def _destroy(b: Builder) -> int:
    at = call(b, _NUMBERS, "destroy")
    anything_in(b, R0)
    return at


def left_iterator(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, before it is destroyed."""
    if not b.privileged or not MAY_CALL.holds(b) or _NUMBERS not in kinds(b):
        return None
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    _make(b, dice)
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    anything_in(b, R0)
    return at


def absent_iterator(b: Builder, dice: Dice) -> int | None:
    """Stepped before it was made, or once it was destroyed; or destroyed then."""
    if not _make(b, dice):
        return None
    _destroy(b)
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    at = _destroy(b)
    b.land(over)
    anything_in(b, R0)
    return at


def iterator_made_twice(b: Builder, dice: Dice) -> int | None:
    """Where it lies already."""
    if not _make(b, dice):
        return None
    before = b.state.held
    b.emit(mov64(R2, 0))
    b.emit(mov64(R3, 2))
    at = call(b, _NUMBERS, "new")
    release_all(b, before)
    _destroy(b)
    return at


def other_iterator(b: Builder, dice: Dice) -> int | None:
    """Destroyed as one of another kind."""
    others = [kind for kind in kinds(b) if kind is not _NUMBERS]
    if not others or not _make(b, dice):
        return None
    at = call(b, dice.of(others), "destroy")
    anything_in(b, R0)
    return at


def iterator_read(b: Builder, dice: Dice) -> int | None:
    """Its bytes, by a load."""
    if not _make(b, dice):
        return None
    code, size = dice.of(((o.DW, 8), (o.W, 4), (o.B, 1)))
    at = b.emit_breaking(load(code, R1, R10, OBJECT_BASE + dice.pick(8 // size) * size))
    _destroy(b)
    return at


def iterator_overwritten(b: Builder, dice: Dice) -> int | None:
    """In part, before it is destroyed."""
    if not _make(b, dice):
        return None
    code, size = dice.of(((o.DW, 8), (o.W, 4), (o.B, 1)))
    b.emit_breaking(store(code, R10, OBJECT_BASE + dice.pick(8 // size) * size, 0))
    return _destroy(b)


def number_unchecked(b: Builder, dice: Dice) -> int | None:
    """What a step gave, read without a comparison with null."""
    if not _make(b, dice):
        return None
    call(b, _NUMBERS, "next")
    at = b.emit_breaking(load(o.W, R1, R0, 0))
    _destroy(b)
    return at


def number_kept(b: Builder, dice: Dice) -> int | None:
    """What a step gave, read once the iterator is destroyed."""
    saved = [register for register in b.state.free() if register > 5]
    if not saved or not _make(b, dice):
        return None
    call(b, _NUMBERS, "next")
    nothing = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(saved[-1], R0))
    call(b, _NUMBERS, "destroy")
    at = b.emit_breaking(load(o.W, R1, saved[-1], 0))
    b.drop(saved[-1])
    anything_in(b, R0)
    over = b.branch(jump(o.JEQ, R0, 0))
    b.resume(nothing)
    _destroy(b)
    b.drop(saved[-1])
    b.land(over)
    return at


def flags_out_of_order(b: Builder, dice: Dice) -> int | None:
    """The outer ones restored first."""
    if not b.privileged or not MAY_CALL.holds(b) or ResourceKind.INTERRUPTS not in section_kinds(b):
        return None
    if any(resource.kind is ResourceKind.INTERRUPTS for resource in b.state.held):
        return None
    before = b.state.held
    begin(b, ResourceKind.INTERRUPTS)
    begin(b, ResourceKind.INTERRUPTS)
    to_stack(b, R1, FLAG_SLOTS[0])
    at = b.call_kfunc("bpf_local_irq_restore")
    release_all(b, before)
    anything_in(b, R0)
    return at
