"""What a property says of an observation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.program import Case


class PropertyKind(Enum):
    """The kinds of disagreement that are judged; each has a file in this folder."""

    SOUNDNESS = "soundness"
    RULE = "rule"
    BOUNDS = "bounds"
    TRANSFER = "transfer"
    EXECUTION = "execution"
    HEALTH = "health"
    PRECISION = "precision"
    OBJECTS = "objects"


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
class Disagreement:
    """Two parties that cannot both be right.

    ``signature``: equal for what is the same bug, as far as can be told before shrinking; the path through it
    is left out. ``statement``: one sentence with the values.  ``culprit``: the instruction's slot, None when
    no single one is to blame. ``input``: index of the input that shows it, None when it needs no run.
    ``witness``: a case with an input of its own that shows it.  ``gap``: it is the kernel's imprecision where
    none may expect better: counted, never a failure.
    """

    kind: PropertyKind
    signature: str
    statement: str
    culprit: int | None = None
    input: int | None = None
    witness: Case | None = None
    gap: bool = False


Judgement = Agreement | Abstention | Disagreement
