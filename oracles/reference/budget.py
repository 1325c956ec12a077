"""How much work one verification may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """What a verification may cost before its answer is unknown.  Whoever asks says it: there is no
    default."""

    steps: int
    """Instructions executed over all paths."""
    paths: int
    seconds: float
    """The wall behind the rest, which makes an answer irreproducible."""
    queries: int
    """Questions that reach Z3."""
    effort: int
    """Z3's own steps (its rlimit) over all of them; some 2 to 5 million a second."""
