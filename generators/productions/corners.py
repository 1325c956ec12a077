"""Productions at the corners of what the instruction set defines: division by zero and by -1, and whether a
compare-and-exchange of 32 bits finds what it compares with (RFC 9669, sections 4.1 and 5.3).

The result of each is defined in all 64 bits, which a JIT's own instruction leaves otherwise.
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, Register, alu64, atomic, load_imm64, mov64, store
from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import SPILL_SLOTS
from generators.productions.table import Production
from generators.state import Number
from generators.steps import alu

_HALVES = (1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1234_5678)
"""Of wide numbers: neither is zero."""


def _wide(b: Builder, dice: Dice, register: Register, low: int) -> None:
    """A number whose upper half is not zero."""
    b.emit_wide(load_imm64(register, dice.of(_HALVES) << 32 | low))


def _divide(b: Builder, dice: Dice) -> bool:
    """By 0, 1 or -1, known to the verifier or not."""
    dividend = dice.of(b.state.targets())
    others = [register for register in b.state.free() if register != dividend]
    if not others:
        return False
    divisor = dice.of(others)
    if dice.pick(2) and isinstance(b.state.registers.get(divisor), Number):
        b.emit(alu64(o.AND, divisor, 1))
    else:
        b.emit(mov64(divisor, dice.of((0, -1, 1))))
    if dice.pick(3):
        _wide(b, dice, dividend, dice.of(_HALVES))
    signed = b.profile.knows("6.6") and dice.pick(3) == 2
    b.emit(alu(dice.of((o.DIV, o.MOD)), dividend, divisor, dice.pick(2) == 1, signed=signed))
    return True


def _exchange(b: Builder, dice: Dice) -> bool:
    """With the upper half of R0 set, on a slot that holds the lower half, or does not."""
    sources = [register for register in b.state.numbers() if register != R0]
    if R0 not in b.state.free() or not sources or not b.profile.knows("5.12"):
        return False
    slot, low = dice.of(sorted(SPILL_SLOTS)), dice.of((1, 0x7FFF_FFFF, 0x1234_5678))
    b.emit(store(o.DW, R10, slot, low))
    _wide(b, dice, R0, low if dice.pick(2) else low - 1)
    b.emit(atomic(o.CMPXCHG, o.W if dice.pick(4) else o.DW, R10, slot, dice.of(sources)))
    return True


PRODUCTIONS = (
    Production("division-corner", 2, _divide, (needs.TARGET,)),
    Production("exchange-corner", 2, _exchange, (needs.SCALAR,)),
)
