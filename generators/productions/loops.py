"""Productions that loop: a counted loop, bounded by a constant the verifier can follow."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from generators.builder import Builder, OpenLoop
from generators.dice import Dice
from generators.productions.table import Production
from generators.state import ANY, Number


def _counted(b: Builder, dice: Dice) -> bool:
    free = [r for r in b.free() if r > 5]
    if not b.privileged or b.open or not free:
        return False
    counter = dice.of(free)
    b.emit(o.MOV | o.K | o.ALU64, counter)
    for register, content in list(b.state.registers.items()):
        if isinstance(content, Number):
            b.state.registers[register] = ANY
        elif register < 6:
            # A call in the body would lose it for the next round.
            del b.state.registers[register]
    for slot, content in b.state.slots.items():
        if isinstance(content, Number):
            b.state.slots[slot] = ANY
    b.state.registers[counter] = ANY
    b.state.pinned |= {counter}
    b.open.append(OpenLoop(len(b.insns), 1 + dice.pick(3), counter, 2 + dice.pick(4), b.state.copy()))
    return True


PRODUCTIONS = (Production("counted-loop", 2, _counted),)
