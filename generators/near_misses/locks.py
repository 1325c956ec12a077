"""Near misses with a spin lock: kept, taken twice, given back unheld, touched, held over a call.

What would harm the kernel that accepts it lies where hardly any run gets.
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R1, mov64
from generators.builder import Builder
from generators.dice import Dice
from generators.goals.locks import LockedValue, lockable
from generators.near_misses.table import break_off, breaking_call, rarely, read_or_write


def _lockable(b: Builder, dice: Dice) -> LockedValue | None:
    return lockable(b, dice) if b.privileged else None


def held_at_exit(b: Builder, dice: Dice) -> int | None:
    """An exit with the lock in hand."""
    value = _lockable(b, dice)
    if value is None:
        return None
    over = rarely(b)
    b.emit(mov64(R1, value.register))
    b.call_helper("spin_lock")
    at = break_off(b)
    b.land(over)
    value.leave(b)
    return at


def taken_twice(b: Builder, dice: Dice) -> int | None:
    """The lock is taken while it is held."""
    value = _lockable(b, dice)
    if value is None:
        return None
    over = rarely(b)
    b.emit(mov64(R1, value.register))
    b.call_helper("spin_lock")
    b.emit(mov64(R1, value.register))
    at = breaking_call(b, "spin_lock")
    b.emit(mov64(R1, value.register))
    b.call_helper("spin_unlock")
    b.land(over)
    value.leave(b)
    return at


def given_back_unheld(b: Builder, dice: Dice) -> int | None:
    """A lock is released that nobody took."""
    value = _lockable(b, dice)
    if value is None:
        return None
    over = rarely(b)
    b.emit(mov64(R1, value.register))
    at = breaking_call(b, "spin_unlock")
    b.land(over)
    value.leave(b)
    return at


def call_under_lock(b: Builder, dice: Dice) -> int | None:
    """A helper is called while the lock is held."""
    value = _lockable(b, dice)
    if value is None:
        return None
    b.emit(mov64(R1, value.register))
    b.call_helper("spin_lock")
    at = breaking_call(b, "get_prandom_u32")
    b.emit(mov64(R1, value.register))
    b.call_helper("spin_unlock")
    value.leave(b)
    return at


def lock_accessed(b: Builder, dice: Dice) -> int | None:
    """The lock itself is read or written."""
    value = _lockable(b, dice)
    if value is None:
        return None
    code, offset = dice.of(((o.W, 0), (o.DW, 0), (o.B, 3), (o.H, 2)))
    at = read_or_write(b, dice, value.register, code, offset)
    value.leave(b)
    return at
