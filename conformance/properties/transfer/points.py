"""Points: what the kernel says at one place of a path, beside what the program computes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ebpf.domains import ScalarRange
from oracles.claims import as_formula
from oracles.terms.term import Condition, Term, disjunction


@dataclass(frozen=True, slots=True)
class Claimed:
    """After instruction ``at``, under ``conditions``, ``place`` holds ``term``, which the kernel says is in
    ``range``.

    ``otherwise``: the kernel went on with a state split in two, and this term in this range would do as well.
    """

    at: int
    conditions: tuple[Condition, ...]
    place: str
    term: Term
    range: ScalarRange
    otherwise: tuple[Term, ScalarRange] | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether every value is within the claim: it cannot be wrong, only less than could be said."""
        return self.range.is_unknown

    @property
    def holds(self) -> Condition:
        """Whether the kernel is right."""
        first = as_formula(self.range, self.term)
        return (
            first
            if self.otherwise is None
            else disjunction(first, as_formula(self.otherwise[1], self.otherwise[0]))
        )


@dataclass(frozen=True, slots=True)
class Unexplored:
    """The kernel never went from jump ``at`` to ``target``: no input may, under ``conditions``."""

    at: int
    conditions: tuple[Condition, ...]
    target: int


@dataclass(frozen=True, slots=True)
class WalkEnd:
    """The walk ends after instruction ``at``, for a reason that is ours."""

    at: int
    reason: str


Point: TypeAlias = Claimed | Unexplored | WalkEnd
