"""Near misses with timers and work queues: elsewhere in the value, taken for each other, of another map,
and read or written as bytes."""

from __future__ import annotations

from ebpf.isa.build import R1
from ebpf.maps import MapFieldKind
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.deferred import KINDS, DeferredSupply, may_defer
from generators.goals.map_templates import DEFERRED_AT, add_map, deferring
from generators.near_misses.table import meet, rarely, read_or_write
from generators.steps import SIZES


def _value(b: Builder, dice: Dice) -> DeferredSupply | None:
    """A value with one."""
    kinds = [kind for kind in KINDS if b.privileged and MAY_CALL.holds(b) and may_defer(b, kind)]
    if not kinds:
        return None
    supply = DeferredSupply(b, dice, stays=False)
    supply.find_value(dice.of(kinds))
    return supply


def _call(supply: DeferredSupply, index: int) -> int:
    """Any of the calls that take it in R1."""
    calls = (lambda: supply.call_init(index), supply.call_set_callback, supply.call_start)
    return supply.dice.of(calls)()


def deferred_elsewhere(b: Builder, dice: Dice) -> int | None:
    """What is taken for a timer or work queue is beside it."""
    supply = _value(b, dice)
    if supply is None:
        return None
    over = rarely(b)
    supply.point(dice.of((0, 24, DEFERRED_AT - 4, DEFERRED_AT + 1)))
    at = _call(supply, supply.index)
    b.land(over)
    meet(supply)
    return at


def deferred_as_the_other(b: Builder, dice: Dice) -> int | None:
    """A timer is taken for a work queue, or the other way round."""
    if not all(may_defer(b, kind) for kind in KINDS):
        return None
    supply = _value(b, dice)
    if supply is None:
        return None
    over = rarely(b)
    supply.kind = next(kind for kind in KINDS if kind is not supply.kind)
    supply.point()
    at = _call(supply, supply.index)
    b.land(over)
    meet(supply)
    return at


def _others(b: Builder, supply: DeferredSupply) -> list[int]:
    """Maps that the value is not of."""
    if supply.kind is MapFieldKind.WORKQUEUE and not b.profile.knows("7.3"):
        # Kernels go down over any other but one of their own kind (known issue wq-init-other-map).
        specs = deferring(supply.kind)
        own = b.maps[supply.index].type
        return [add_map(b, next(spec for spec in specs if spec.type is not own))]
    return [index for index in range(len(b.maps)) if index != supply.index]


def deferred_of_another_map(b: Builder, dice: Dice) -> int | None:
    """The map that is given is not that of the value."""
    supply = _value(b, dice)
    if supply is None:
        return None
    others = _others(b, supply)
    over = rarely(b)
    supply.point()
    at = supply.call_init(dice.of(others))
    b.land(over)
    meet(supply)
    return at


def deferred_accessed(b: Builder, dice: Dice) -> int | None:
    """It is read or written."""
    supply = _value(b, dice)
    if supply is None:
        return None
    over = rarely(b)
    supply.point(0)
    code, size = dice.of(SIZES)
    offset = DEFERRED_AT + size * dice.pick(16 // size)
    at = read_or_write(b, dice, R1, code, offset)
    b.land(over)
    meet(supply)
    return at
