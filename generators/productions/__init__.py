"""Productions: each appends a few instructions when its precondition holds, and updates the state.

A production takes the builder and the dice, and returns False, leaving no trace, when its precondition does
not hold. ``CHOICES`` lists them all with their weights, simplest first.
"""

from __future__ import annotations

from generators.productions import arithmetic, branches, calls, helpers, loops, memory, packet
from generators.productions.table import Production

PRODUCTIONS: tuple[Production, ...] = (
    *arithmetic.PRODUCTIONS, *branches.PRODUCTIONS, *memory.PRODUCTIONS, *packet.PRODUCTIONS,
    *calls.PRODUCTIONS,
    *helpers.PRODUCTIONS, *loops.PRODUCTIONS,
)  # fmt: skip

CHOICES: tuple[Production, ...] = tuple(
    production for production in PRODUCTIONS for _ in range(production.weight)
)
"""Each production as often as its weight says."""
