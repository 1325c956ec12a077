"""The reference verifier: decides over all inputs whether a program can break a safety rule.

It walks the program path by path over Z3's bit-vectors, and may call a program unsafe only with a witness
that a run confirms. It has never seen the interpreter's code.
"""

from oracles.reference.answer import Broken, Cost, ReferenceAnswer, ReferenceVerdict
from oracles.reference.budget import Budget
from oracles.reference.verify import Explored, explore, verify_by_ranges

__all__ = [
    "Broken", "Budget", "Cost", "Explored", "ReferenceAnswer", "ReferenceVerdict", "explore",
    "verify_by_ranges",
]  # fmt: skip
