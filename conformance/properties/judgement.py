"""What a property says of an observation."""

from __future__ import annotations

from dataclasses import dataclass, field

from ebpf.program import Case
from ebpf.signature import Signature
from reports.records import Left, Right


@dataclass(frozen=True, slots=True)
class Agreement:
    """The parties were compared and agree.

    ``operation`` names the instruction form that was compared, where it is one; ``excess`` says, per view,
    how many bits wider the kernel's claim is than the tightest one: empty when that was not decided, None
    when nobody looked.
    """

    operation: str = ""
    excess: tuple[tuple[str, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Abstention:
    """They could not be compared; ``reason`` is short and the same for the same cause, so that it can be
    counted.

    ``operation`` as in :class:`Agreement`.
    """

    reason: str
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A safe program that no kernel must accept."""

    fixed_in: str
    """The first later series that accepts it, of the kernels that were asked; empty for none."""
    proven: bool
    """Whether intervals and tnums alone prove it safe: a note, no evidence of what the kernel could know."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two parties that cannot both be right."""

    signature: Signature
    """Equal for what is the same bug, as far as can be told before shrinking."""
    statement: str
    """One sentence with the values."""
    culprit: int | None = None
    """The slot of the instruction to blame, None when no single one is."""
    input: int | None = None
    """Index of the input that shows it, None when it needs no run."""
    witness: Case | None = None
    """A case with an input of its own that shows it."""
    gap: Gap | None = None
    """It is the kernel's imprecision where none may expect better: counted, never a failure."""
    right: Right | None = field(default=None, compare=False)
    """What a right kernel does instead, so that a program can tell; no part of what is the same
    disagreement."""
    left: tuple[Left, ...] = field(default=(), compare=False)
    """What each engine left in the place where they differ."""

    @property
    def kind(self) -> str:
        """The property that is violated."""
        return self.signature.kind


Judgement = Agreement | Abstention | Disagreement
