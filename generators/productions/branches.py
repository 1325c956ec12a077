"""Productions that branch: both signednesses, both widths, against constants and registers; over a block, to
else, to the exit."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from generators.builder import Block, Builder
from generators.constants import U64, immediate
from generators.dice import Dice
from generators.productions.table import Production
from generators.state import Number

_OPERATIONS = (o.JEQ, o.JGT, o.JLT, o.JSGT, o.JSLT, o.JGE, o.JLE, o.JSGE, o.JSLE, o.JNE, o.JSET)
MAX_OPEN = 3


def _narrowed(op: int, old: Number, imm: int, holds: bool) -> Number | None:
    """What is left of ``old`` when an unsigned 64-bit comparison with ``imm`` does or does not hold; None:
    nothing is."""
    limit = imm & U64
    low, high = old.low, old.high
    if op == o.JGT:
        low, high = (max(low, limit + 1), high) if holds else (low, min(high, limit))
    elif op == o.JGE:
        low, high = (max(low, limit), high) if holds else (low, min(high, limit - 1))
    elif op == o.JLT:
        low, high = (low, min(high, limit - 1)) if holds else (max(low, limit), high)
    elif op == o.JLE:
        low, high = (low, min(high, limit)) if holds else (max(low, limit + 1), high)
    elif op in (o.JEQ, o.JNE) and (op == o.JEQ) == holds:
        low, high = max(low, limit), min(high, limit)
    return Number(low, high) if low <= high else None


def _condition(b: Builder, dice: Dice) -> tuple[int, int, int, int] | None:
    """(opcode, dst, src, imm) of a comparison of scalars."""
    numbers = b.state.numbers()
    if not numbers:
        return None
    cls = o.JMP if dice.pick(2) == 0 else o.JMP32
    op, dst = dice.of(_OPERATIONS), dice.of(numbers)
    if dice.pick(3) == 2 and len(numbers) > 1:
        return op | o.X | cls, dst, dice.of([r for r in numbers if r != dst]), 0
    return op | o.K | cls, dst, 0, immediate(dice)


def _split(b: Builder, condition: tuple[int, int, int, int]) -> tuple[Number | None, Number | None]:
    opcode, dst, _, imm = condition
    old = b.state.registers[dst]
    assert isinstance(old, Number)
    if opcode & o.SOURCE_MASK == o.X or opcode & o.CLASS_MASK == o.JMP32:
        return old, old
    op = opcode & o.OP_MASK
    return _narrowed(op, old, imm, True), _narrowed(op, old, imm, False)


def _over_block(b: Builder, dice: Dice) -> bool:
    if len(b.open) >= MAX_OPEN:
        return False
    condition = _condition(b, dice)
    if condition is None:
        return False
    opcode, dst, src, imm = condition
    holds, fails = _split(b, condition)
    if not b.privileged and (holds is None or fails is None):
        return False
    jump = b.emit(opcode, dst, src, 0, imm)
    taken = b.state.copy()
    if holds is not None:
        taken.registers[dst] = holds
    if fails is not None:
        b.state.registers[dst] = fails
    b.open.append(Block(jump, 2 + dice.pick(4), taken, has_else=dice.pick(3) == 2))
    return True


def _to_exit(b: Builder, dice: Dice) -> bool:
    condition = _condition(b, dice)
    if condition is None:
        return False
    _, fails = _split(b, condition)
    opcode, dst, src, imm = condition
    op = opcode & o.OP_MASK
    if fails is None or (op, imm) == (o.JGE, 0):
        return False
    b.leave_to_exit(opcode, dst, src, imm)
    b.state.registers[dst] = fails
    return True


PRODUCTIONS = (Production("branch-over-block", 8, _over_block), Production("branch-to-exit", 3, _to_exit))
