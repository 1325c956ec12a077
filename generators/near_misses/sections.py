"""Near misses with sections of code: left by an exit, ended on a way that did not begin them, begun twice, or
slept in."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, jump, leave, mov64
from ebpf.kfuncs.sections import RCU_NESTS_SINCE
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.kernel_functions import KernelSupply, offered
from generators.goals.sections import begin, kinds
from generators.layout import FLAG_SLOTS
from generators.near_misses.table import RARE
from generators.releasing import SECTION_ENDS, release_all
from generators.resources import ResourceKind
from generators.steps import anything_in, to_stack


def _kinds(b: Builder) -> list[ResourceKind]:
    return kinds(b) if b.privileged and MAY_CALL.holds(b) else []


def exit_in_section(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, inside it."""
    possible = _kinds(b)
    if not possible:
        return None
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    begin(b, dice.of(possible))
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    anything_in(b, R0)
    return at


def end_without_beginning(b: Builder, dice: Dice) -> int | None:
    """Of a section that was begun on another way, or on none."""
    possible = [kind for kind in _kinds(b) if not any(resource.kind is kind for resource in b.state.held)]
    if not possible:
        return None
    kind = dice.of(possible)
    if dice.pick(2):
        b.call_helper("get_prandom_u32")
        over = b.branch(jump(o.JNE, R0, RARE))
        begin(b, kind)
        b.patch(over.jump)  # on the other way, what follows ends nothing
    if kind is ResourceKind.INTERRUPTS:
        to_stack(b, R1, FLAG_SLOTS[0])
    at = b.call_kfunc(SECTION_ENDS[kind])
    anything_in(b, R0)
    return at


def nested_section(b: Builder, dice: Dice) -> int | None:
    """An RCU read-side critical section in another, where kernels do not take that."""
    if ResourceKind.RCU not in _kinds(b) or b.profile.linux >= RCU_NESTS_SINCE:
        return None
    before = b.state.held
    begin(b, ResourceKind.RCU)
    at = begin(b, ResourceKind.RCU)
    release_all(b, before)
    anything_in(b, R0)
    return at


def sleep_in_section(b: Builder, dice: Dice) -> int | None:
    """A call of what may sleep."""
    possible = _kinds(b) if b.may_sleep else []
    sleeping = [function for function in offered(b, may_sleep=True) if function.sleeps]
    if not possible or not sleeping:
        return None
    before = b.state.held
    supply = KernelSupply(b, dice, stays=False)
    begin(b, dice.of(possible))
    supply.call_function(dice.of(sleeping))
    at = b.kfuncs[-1][0]
    supply.finish()
    release_all(b, before)
    anything_in(b, R0)
    return at
