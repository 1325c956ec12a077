"""Timers and work queues in map values: initialised, given a function that is called later, started, and
cancelled."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, Register, add64, leave, load, load_map, mov64, store
from ebpf.kfuncs import KFUNCS
from ebpf.kfuncs.workqueues import SETTING
from ebpf.maps import MapFieldKind
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.chain import Chain, Place
from generators.goals.map_templates import DEFERRED_AT, add_map, deferring
from generators.maps import takes
from generators.productions.table import Production
from generators.releasing import fetch
from generators.scopes import StaticFunction
from generators.steps import alu, anything_in, constant_key, map_and_key

_OPERATIONS = (o.ADD, o.XOR, o.OR, o.SUB)
_CLOCKS = (0, 1, 7)
"""CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME (include/uapi/linux/time.h)."""
KINDS = (MapFieldKind.TIMER, MapFieldKind.WORKQUEUE)


def may_defer(b: Builder, kind: MapFieldKind) -> bool:
    """Whether the program may have such fields."""
    if not takes(b, deferring(kind)[0]):
        return False
    if kind is MapFieldKind.TIMER:
        return b.profile.knows("5.15") and b.has_helper("timer_init")
    function = KFUNCS["bpf_wq_init"]
    known = b.profile.kernel_functions and b.profile.knows(function.since)
    return known and function.hook.allows(b.type, b.profile.release)


def _setting(b: Builder) -> str:
    """The kernel function that gives a work queue its function; "" where there is none."""
    return next((name for since, name in SETTING if b.profile.knows(since)), "")


class DeferredSupply(Chain):
    """A goal with a value that has a timer or work queue."""

    __slots__ = ("index", "kind", "value")
    kind: MapFieldKind
    index: int
    value: Place

    def find_value(self, kind: MapFieldKind) -> None:
        """Look one up; where there is none the goal ends."""
        b = self.b
        self.kind, self.index = kind, add_map(b, self.dice.of(deferring(kind)))
        constant_key(b, self.dice.pick(2))
        map_and_key(b, self.index)
        b.call_helper("map_lookup_elem")
        self.check_null()
        self.value = self.keep()

    def point(self, offset: int = DEFERRED_AT, register: Register = R1) -> None:
        """Let the register point to the field, or elsewhere in the value."""
        fetch(self.b, register, self.value)
        self.b.emit(add64(register, offset))

    def call_init(self, index: int) -> int:
        """Initialise what R1 points to, of the map, and return the call's slot."""
        b, dice = self.b, self.dice
        b.emit_wide(load_map(R2, index))
        b.emit(mov64(R3, dice.of(_CLOCKS) if self.kind is MapFieldKind.TIMER else 0))
        return self._call("timer_init", "bpf_wq_init")

    def call_set_callback(self) -> int:
        """Give what R1 points to a function and return the call's slot."""
        b = self.b
        b.load_callback(R2, called_later(self.dice))
        b.emit(mov64(R3, 0))
        return self._call("timer_set_callback", _setting(b))

    def call_start(self) -> int:
        """Start what R1 points to and return the call's slot."""
        b, dice = self.b, self.dice
        b.emit(mov64(R2, 1000 * dice.pick(8) if self.kind is MapFieldKind.TIMER else 0))
        b.emit(mov64(R3, 0))
        return self._call("timer_start", "bpf_wq_start")

    def _call(self, helper: str, function: str) -> int:
        b = self.b
        timer = self.kind is MapFieldKind.TIMER
        at = b.call_helper(helper) if timer else b.call_kfunc(function)
        anything_in(b, R0)
        return at

    def finish(self) -> None:
        """The value is not used any more."""
        if isinstance(self.value, Register):
            self.b.drop(self.value)
        else:
            self.b.drop_slot(self.value)
        super().finish()


def called_later(dice: Dice) -> StaticFunction:
    """What is called with a map, a key and its value: a word of the value changes."""
    place = dice.of((0, 24))
    return StaticFunction((
        load(o.DW, R1, R3, place), alu(dice.of(_OPERATIONS), R1, immediate(dice), True),
        store(o.DW, R3, place, R1), mov64(R0, 0), leave(),
    ))  # fmt: skip


def _defer(kind: MapFieldKind, b: Builder, dice: Dice) -> bool:
    if not b.gpl or not may_defer(b, kind):
        return False
    with b.attempt() as attempt:
        supply = DeferredSupply(b, dice, stays=False)
        supply.find_value(kind)
        supply.point()
        supply.call_init(supply.index)
        for call in (supply.call_set_callback, supply.call_start):
            if dice.pick(6):
                supply.point()
                call()
        if kind is MapFieldKind.TIMER and dice.pick(2):
            supply.point()
            b.call_helper("timer_cancel")
            anything_in(b, R0)
        supply.finish()
        attempt.keep()
    return attempt.kept


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS, needs.JIT)
PRODUCTIONS = (
    Production("timer", 3, lambda b, dice: _defer(MapFieldKind.TIMER, b, dice), _NEEDS),
    Production("work-queue", 3, lambda b, dice: _defer(MapFieldKind.WORKQUEUE, b, dice), _NEEDS),
)
