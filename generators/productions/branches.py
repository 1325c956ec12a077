"""Productions that branch: both signednesses, both widths, against constants and registers; over a block, to
else, to the exit."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import jump, jump32
from ebpf.isa.insn import Insn
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.nesting import open_block
from generators.productions.table import Production
from generators.transfer.jumps import outcomes

_OPERATIONS = (o.JEQ, o.JGT, o.JLT, o.JSGT, o.JSLT, o.JGE, o.JLE, o.JSGE, o.JSLE, o.JNE, o.JSET)
MAX_OPEN = 3


def comparison(b: Builder, dice: Dice) -> Insn:
    """A comparison of scalars."""
    numbers = b.state.numbers()
    compare = jump if dice.pick(2) == 0 else jump32
    op, dst = dice.of(_OPERATIONS), dice.of(numbers)
    if dice.pick(3) == 2 and len(numbers) > 1:
        return compare(op, dst, dice.of([r for r in numbers if r != dst]))
    return compare(op, dst, immediate(dice))


def _over_block(b: Builder, dice: Dice) -> bool:
    if len(b.open) >= MAX_OPEN:
        return False
    condition = comparison(b, dice)
    if not b.privileged and None in outcomes(b.state, condition):
        return False
    left, has_else = 2 + dice.pick(4), dice.pick(3) == 2
    open_block(b, condition, left, has_else=has_else, far=b.profile.knows("6.6") and dice.pick(3) == 2)
    return True


def _to_exit(b: Builder, dice: Dice) -> bool:
    condition = comparison(b, dice)
    _, fails = outcomes(b.state, condition)
    if fails is None or (condition.opcode & o.OP_MASK, condition.imm) == (o.JGE, 0):
        return False
    b.leave_to_exit(condition)
    return True


_NEEDS = (needs.SCALAR,)
PRODUCTIONS = (
    Production("branch-over-block", 8, _over_block, _NEEDS),
    Production("branch-to-exit", 3, _to_exit, _NEEDS),
)
