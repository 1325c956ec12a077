"""How tight a kernel's claims are, per operation."""

from __future__ import annotations

import msgspec

VIEWS = ("u64", "s64", "u32", "s32", "tnum")
"""Ways to look at a scalar: intervals of four readings, and known bits."""


class PrecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction form on one kernel.

    Of ``judged`` claims, ``decided`` were settled within the solver's budget.  Of the claims looked at more
    closely, the distance from the tightest one is known for ``measured`` and not for ``open``; ``tight`` have
    none.  ``excess`` is a view (u64, s64, u32, s32, tnum) → by how many bits the claim is too wide, the mean
    over those measured.
    """

    kernel: str
    operation: str
    judged: int
    decided: int
    measured: int = 0
    open: int = 0
    tight: int = 0
    excess: dict[str, float] = {}

    @property
    def worst(self) -> float:
        """The mean excess in the worst view, in bits."""
        return max(self.excess.values(), default=0.0)
