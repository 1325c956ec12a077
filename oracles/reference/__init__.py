"""The reference verifier: decides over all inputs whether a program can break a safety rule.

It walks the program path by path over Z3's bit-vectors, and may call a program unsafe only with a witness
that a run confirms. It has never seen the interpreter's code.
"""

from oracles.reference.answer import Answer, Broken, Cost, Verdict
from oracles.reference.explorer import Budget
from oracles.reference.verify import verify, verify_by_ranges

__all__ = ["Answer", "Broken", "Budget", "Cost", "Verdict", "verify", "verify_by_ranges"]
