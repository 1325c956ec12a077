"""Claims as formulas: the bounds a kernel logs for a scalar, as a condition on a term.

``as_formula(claim, term)`` holds for exactly the values that ``claim.contains`` accepts.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3

from ebpf.domains import ScalarRange
from ebpf.domains.limits import S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, U64_MAX
from oracles.terms.term import Condition, Term, conjunction, low32, z


def as_formula(claim: ScalarRange, term: Term) -> Condition:
    """Whether the 64-bit ``term`` is within every bound of ``claim``."""
    if isinstance(term, int):
        return claim.contains(term)
    return conjunction(*_bounds(claim, term))


def _bounds(claim: ScalarRange, term: z3.BitVecRef) -> Iterator[z3.BoolRef]:
    """One condition per bound that excludes anything."""
    low = z(low32(term), 32)
    if claim.umin > 0:
        yield z3.UGE(term, z(claim.umin))
    if claim.umax < U64_MAX:
        yield z3.ULE(term, z(claim.umax))
    if claim.smin > S64_MIN:
        yield term >= claim.smin
    if claim.smax < S64_MAX:
        yield term <= claim.smax
    if claim.umin32 > 0:
        yield z3.UGE(low, z(claim.umin32, 32))
    if claim.umax32 < U32_MAX:
        yield z3.ULE(low, z(claim.umax32, 32))
    if claim.smin32 > S32_MIN:
        yield low >= claim.smin32
    if claim.smax32 < S32_MAX:
        yield low <= claim.smax32
    if not claim.tnum.is_unknown:
        yield term & z(U64_MAX & ~claim.tnum.mask) == z(claim.tnum.value)
