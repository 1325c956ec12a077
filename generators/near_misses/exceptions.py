"""Near misses with bpf_throw: something is held when the program ends so."""

from __future__ import annotations

from ebpf.isa.build import R0
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.exceptions import may_throw, throw
from generators.goals.kernel_functions import KernelSupply
from generators.goals.kernel_pointers import structures
from generators.goals.sections import begin, kinds
from generators.near_misses.table import rarely
from generators.steps import anything_in


def _may_throw(b: Builder) -> bool:
    return b.privileged and MAY_CALL.holds(b) and may_throw(b)


def thrown_with_a_reference(b: Builder, dice: Dice) -> int | None:
    """A structure of the kernel's is held."""
    possible = structures(b) if _may_throw(b) else []
    if not possible:
        return None
    over = rarely(b)
    KernelSupply(b, dice, stays=True).have(dice.of(possible), referenced=True)
    at = throw(b)
    b.resume(over)
    anything_in(b, R0)
    return at


def thrown_in_a_section(b: Builder, dice: Dice) -> int | None:
    """A section was begun."""
    possible = kinds(b) if _may_throw(b) else []
    if not possible:
        return None
    over = rarely(b)
    begin(b, dice.of(possible))
    at = throw(b)
    b.resume(over)
    anything_in(b, R0)
    return at
