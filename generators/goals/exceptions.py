"""bpf_throw: where a number is seldom what it is compared with, the program ends at once."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R1, jump, mov64
from ebpf.kfuncs import KFUNCS
from ebpf.program_rules import OWN_STACKS, OWN_STACKS_SINCE
from ebpf.return_ranges import return_range
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.productions.table import Production


def may_throw(b: Builder) -> bool:
    """Whether the program may end so: not one whose stack may lie elsewhere, of which kernels die
    (docs/known-issues.md)."""
    function = KFUNCS["bpf_throw"]
    known = b.profile.kernel_functions and b.profile.knows(function.since)
    elsewhere = b.type in OWN_STACKS and b.profile.knows(OWN_STACKS_SINCE)
    return known and not elsewhere and function.hook.allows(b.type, b.profile.release)


def throw(b: Builder) -> int:
    """End the program with a result that the type may give, and return the call's slot."""
    allowed = return_range(b.type, b.attach_type, b.profile.release)
    b.emit(mov64(R1, allowed[0] if allowed else 0))
    return b.call_kfunc("bpf_throw")


def _throw(b: Builder, dice: Dice) -> bool:
    if not b.gpl or not may_throw(b):
        return False
    on = b.branch(jump(dice.of((o.JNE, o.JGT, o.JSLE)), dice.of(b.state.numbers()), immediate(dice)))
    throw(b)
    b.resume(on)
    return True


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS, needs.NOTHING_HELD, needs.SCALAR, needs.JIT)
PRODUCTIONS = (Production("throw", 4, _throw, _NEEDS),)
