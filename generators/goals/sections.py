"""Sections of code in which nothing may sleep: begun, used, and ended on every way out."""

from __future__ import annotations

from ebpf.isa.build import R1
from ebpf.kfuncs.sections import RCU_NESTS_SINCE
from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.goals.kernel_functions import KernelSupply, offered, plain
from generators.layout import FLAG_SLOTS
from generators.productions.table import Production
from generators.releasing import release_all
from generators.resources import ResourceKind
from generators.steps import to_stack

SECTION_BEGINNINGS = {ResourceKind.PREEMPTION: "bpf_preempt_disable", ResourceKind.RCU: "bpf_rcu_read_lock"}
"""By kind of section: the kernel function that begins it."""


def kinds(b: Builder) -> list[ResourceKind]:
    """The sections that may begin here."""
    names = {function.name for function in offered(b, may_sleep=False)}
    held = {resource.kind for resource in b.state.held}
    nests = b.profile.linux >= RCU_NESTS_SINCE
    return [
        kind
        for kind, name in SECTION_BEGINNINGS.items()
        if name in names
        and (nests or kind is not ResourceKind.RCU or kind not in held)
        and (kind is not ResourceKind.INTERRUPTS or _free_slots(b))
    ]


def _free_slots(b: Builder) -> list[int]:
    """Where flags can be saved."""
    taken = {resource.place for resource in b.state.held}
    return [slot for slot in FLAG_SLOTS if slot not in taken]


def begin(b: Builder, kind: ResourceKind) -> int:
    """Begin a section and return the call's slot."""
    if kind is ResourceKind.INTERRUPTS:
        to_stack(b, R1, _free_slots(b)[0])
    return b.call_kfunc(SECTION_BEGINNINGS[kind])


def _section(b: Builder, dice: Dice) -> bool:
    """A section over what follows up to the exits, or over one call of a kernel function."""
    possible = kinds(b) if b.gpl else []
    if not possible or len(b.state.held) > 2:
        return False
    before = b.state.held
    with b.attempt() as attempt:
        begin(b, dice.of(possible))
        if b.open or dice.pick(2):
            _use(b, dice)
            release_all(b, before)
        attempt.keep()
    return attempt.kept


def _use(b: Builder, dice: Dice) -> None:
    with b.attempt() as attempt:
        supply = KernelSupply(b, dice, stays=False)
        supply.call_function(dice.of(plain(b)))
        supply.finish()
        attempt.keep()


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("section", 2, _section, _NEEDS),)
