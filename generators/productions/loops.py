"""Productions that loop: as often as the verifier can count, or as often as only a run knows."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R10, add64, alu64, jump, load, may_goto, mov64
from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import INPUT_SLOTS
from generators.nesting import open_loop
from generators.productions.table import Production
from generators.scopes import LoopShape
from generators.steps import anything_in

_SHAPES = (LoopShape.AT_END, LoopShape.AT_TOP, LoopShape.DOWN, LoopShape.MAY_GOTO)


def _counted(b: Builder, dice: Dice) -> bool:
    counter = dice.of([r for r in b.state.free() if r > 5])
    shapes = _SHAPES if b.profile.knows("6.9") else _SHAPES[:-1]
    open_loop(b, counter, 1 + dice.pick(3), 2 + dice.pick(4), dice.of(shapes))
    return True


LONG_BODY_IN, LONG_BODY = 6, 300
"""Of such loops; a verifier that does not widen comes to its limit of instructions before it has a state of
so many rounds that to compare them takes minutes."""


def _settling(b: Builder, dice: Dice) -> bool:
    """Rounds that for all a verifier knows end by may_goto alone: it comes to an end by widening what they
    change.  A run leaves after a few, as the two loads of one slot are equal."""
    counter, bound, *others = b.state.free()
    slot = dice.of(INPUT_SLOTS)
    b.emit(load(o.DW, bound, R10, slot))
    b.emit(load(o.DW, counter, R10, slot))
    b.emit(alu64(o.SUB, bound, counter))
    b.emit(add64(bound, 2 + dice.pick(6)))
    b.emit(mov64(counter, 0))
    changed = [register for register in others if register in b.state.registers][: dice.pick(3)]
    idle = others[:1] if not dice.pick(LONG_BODY_IN) else []
    for register in {counter, *changed, *idle} & b.state.registers.keys():
        b.widen(register)  # another round has left something else there
    start = len(b.insns)
    leave = b.branch(may_goto())
    for register in changed:
        b.emit(mov64(register, dice.pick(100)) if dice.pick(2) else add64(register, 1 + dice.pick(8)))
    for register in idle:
        for number in range(LONG_BODY):
            b.emit(mov64(register, number))
    b.emit(add64(counter, 1))
    b.branch(jump(o.JLT, counter, bound, start - len(b.insns) - 1))
    b.land(leave)
    for register in sorted({counter, bound, *changed, *idle}):
        # What decides something later has to be known exactly in every round, and nothing settles.
        anything_in(b, register)
    return True


_NEEDS = (needs.PRIVILEGED, needs.TOP_LEVEL, needs.SAVED_FREE)
_TWO_FREE = needs.Condition("two registers may be overwritten", lambda b: len(b.state.free()) > 1)
_MAY_GOTO = needs.Condition("the kernel has may_goto", lambda b: b.profile.knows("6.9"))
PRODUCTIONS = (
    Production("counted-loop", 2, _counted, _NEEDS),
    Production("settling-loop", 1, _settling, (needs.PRIVILEGED, needs.INPUT, _TWO_FREE, _MAY_GOTO)),
)
