"""Near misses with functions of the program's own: too many at once, too much stack, what may not return."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, call_local, leave, mov64, store
from ebpf.program_rules import OWN_STACKS
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import KEY_SLOT
from generators.scopes import StaticFunction
from generators.steps import anything_in

_LEAF = StaticFunction((mov64(R0, 0), leave()))
_FRAMES, _FRAMES_BEFORE = 16, 8
"""As many functions as may be active at once since Linux 7.2, and before (MAX_CALL_FRAMES)."""


def _call(b: Builder, function: StaticFunction) -> int:
    b.call_static(function)
    at = len(b.insns) - 1
    anything_in(b, R0)
    return at


def too_deep(b: Builder, dice: Dice) -> int | None:
    """More functions are active at once than there are frames."""
    if not b.privileged:
        return None
    function = _LEAF
    most = _FRAMES if b.profile.knows("7.2") else _FRAMES_BEFORE
    for _ in range(most - 1 + dice.pick(2)):
        function = StaticFunction((call_local(), leave()), inner=((0, function),))
    return _call(b, function)


def too_much_stack(b: Builder, dice: Dice) -> int | None:
    """The frames of caller and callee exceed 512 bytes together (a tracer's functions may each have a stack
    of their own since 6.13)."""
    if not b.privileged or (b.type in OWN_STACKS and b.profile.knows("6.13")):
        return None
    b.emit(store(o.DW, R10, KEY_SLOT, 0))
    deep = StaticFunction((store(o.DW, R10, -512, dice.pick(8)), *_LEAF.body))
    if dice.pick(2):
        deep = StaticFunction((call_local(), leave()), inner=((0, deep),))
    at = _call(b, deep)
    b.drop_slot(KEY_SLOT)
    return at


def stack_returned(b: Builder, dice: Dice) -> int | None:
    """A pointer into the callee's frame is the result."""
    return _call(b, StaticFunction((mov64(R0, R10), leave()))) if b.privileged else None


def call_without_privilege(b: Builder, dice: Dice) -> int | None:
    """A program without privilege has no functions but its own."""
    return None if b.privileged else _call(b, _LEAF)
