"""A value with a spin lock: found, locked, changed and unlocked, all in one go."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, Register, jump, load, mov64, store
from ebpf.maps import MapSpec
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.map_templates import LOCKED, add_map
from generators.maps import takes
from generators.productions.table import Production
from generators.scopes import PendingJump
from generators.steps import SIZES, alu, anything_in, constant_key, map_and_key

_AFTER_LOCK = 8
"""Where the value's plain memory begins."""
_OPERATIONS = (o.ADD, o.XOR, o.OR, o.SUB)


@dataclass(frozen=True, slots=True)
class LockedValue:
    """A value that begins with a spin lock, in ``register``; ``nothing`` is taken where it was not found."""

    register: Register
    spec: MapSpec
    nothing: PendingJump

    def leave(self, b: Builder) -> None:
        """The value is not used any more; R0 becomes a number."""
        b.drop(self.register)
        anything_in(b, R0)
        b.land(self.nothing)


def lockable(b: Builder, dice: Dice) -> LockedValue | None:
    """Find a value with a lock, where the program may have one; R0 points to it too."""
    spec = dice.of(LOCKED)
    saved = [register for register in b.state.free() if register > 5]
    if not saved or not b.has_helper("spin_lock") or not takes(b, spec):
        return None
    value = saved[-1]
    constant_key(b, dice.pick(3))
    map_and_key(b, add_map(b, spec))
    b.call_helper("map_lookup_elem")
    nothing = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(value, R0))
    return LockedValue(value, spec, nothing)


def _locked_change(b: Builder, dice: Dice) -> bool:
    locked = lockable(b, dice)
    if locked is None:
        return False
    value, spec = locked.register, locked.spec
    b.emit(mov64(R1, R0))
    b.call_helper("spin_lock")
    for _ in range(1 + dice.pick(2)):
        code, size = dice.of(SIZES)
        place = _AFTER_LOCK + size * dice.pick((spec.value_size - _AFTER_LOCK) // size)
        b.emit(load(code, R0, value, place))
        b.emit(alu(dice.of(_OPERATIONS), R0, immediate(dice), dice.pick(2) == 0))
        b.emit(store(code, value, place, R0))
    b.emit(mov64(R1, value))
    b.call_helper("spin_unlock")
    locked.leave(b)
    return True


_NEEDS = (needs.PRIVILEGED, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("locked-change", 1, _locked_change, _NEEDS),)
