"""What a production is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from generators.builder import Builder
from generators.dice import Dice


@dataclass(frozen=True, slots=True)
class Production:
    """``apply`` returns False, having changed nothing, when it does not fit here; ``weight`` is relative."""

    name: str
    weight: int
    apply: Callable[[Builder, Dice], bool]
