"""Productions that loop: counted loops, bounded by a constant the verifier can follow."""

from __future__ import annotations

from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.nesting import open_loop
from generators.productions.table import Production
from generators.scopes import LoopShape

_SHAPES = (LoopShape.AT_END, LoopShape.AT_TOP, LoopShape.DOWN, LoopShape.MAY_GOTO)


def _counted(b: Builder, dice: Dice) -> bool:
    counter = dice.of([r for r in b.state.free() if r > 5])
    shapes = _SHAPES if b.profile.knows("6.9") else _SHAPES[:-1]
    open_loop(b, counter, 1 + dice.pick(3), 2 + dice.pick(4), dice.of(shapes))
    return True


_NEEDS = (needs.PRIVILEGED, needs.TOP_LEVEL, needs.SAVED_FREE)
PRODUCTIONS = (Production("counted-loop", 2, _counted, _NEEDS),)
