"""Events: all that a worker tells, and all that it is told.

Findings and counts travel the same way, so that a worker may be anywhere; who receives them stores,
counts and shows them.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import Any, Protocol

from conformance.campaign.tally import Tally
from conformance.kernel.session import MachineLoss
from ebpf.errors import InputError, VeridiffError
from reports.records import Finding, KernelOffer, ObjectEvidence


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts since the last one, and where the worker stands."""

    worker: int
    kernel: str
    """The name of its image."""
    tally: Tally
    release: str = ""
    accelerator: str = ""
    boots: int = 0
    """Since the last one, as the tally, the losses and the seconds."""
    losses: tuple[MachineLoss, ...] = ()
    seconds: float = 0.0
    """Of work: the first program judged starts the clock."""
    programs: int = 0
    objects: int = 0
    """How many were made of the seed so far, by whoever held the post: the next one goes on there."""


@dataclass(frozen=True, slots=True)
class CandidateSeen:
    """A disagreement, before anything else is done about it."""

    signature: str
    kind: str
    case: dict[str, Any] | None = None
    object: ObjectEvidence | None = None


@dataclass(frozen=True, slots=True)
class FindingMade:
    """A confirmed disagreement, or a better record of one."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class FindingMerged:
    """A finding that turned out to be another, whose id is ``into``."""

    finding: Finding
    into: str


@dataclass(frozen=True, slots=True)
class OfferMade:
    """What the kernel said yes to when a worker, its work done, asked."""

    kernel: str
    offer: KernelOffer


@dataclass(frozen=True, slots=True)
class ErrorMet:
    """An error of ours over one program, which is counted as not judged; the worker goes on with the next."""

    worker: int
    kernel: str
    error: str
    """With its traceback."""
    what: str
    """Which program or object: the seed makes it again."""


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """The last event of a worker; ``error`` is empty where it did all that it was to do."""

    worker: int
    kernel: str
    error: str = ""
    is_usage: bool = False
    """Whether the error is the user's to mend."""
    late: bool = False
    """Whether it had to be ended: a lost virtual machine or a long pursuit kept it past its time."""

    def by(self, error: BaseException) -> WorkerEnded:
        """The same of a worker that an error ended; one that is not ours to raise is told with its
        traceback."""
        if isinstance(error, InputError):
            return replace(self, error=str(error), is_usage=True)
        if isinstance(error, VeridiffError):
            return replace(self, error=str(error).strip())
        return replace(self, error="".join(traceback.format_exception(error)))


Event = Standing | CandidateSeen | FindingMade | FindingMerged | OfferMade | ErrorMet | WorkerEnded


@dataclass(frozen=True, slots=True)
class FindingStored:
    """To a worker: another one made a finding of this id."""

    id: str


@dataclass(frozen=True, slots=True)
class FindingWithdrawn:
    """To a worker: another one's finding of this id turned out to be something else."""

    id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """To a worker: finish what is at hand, and end."""


Order = FindingStored | FindingWithdrawn | Stop


class Channel(Protocol):
    """A worker's end of the line to whoever started it."""

    def send(self, event: Event) -> None:
        """Tell an event: when this returns, the worker may die without the event being lost."""

    def orders(self) -> list[Order]:
        """What was told to the worker since the last call; does not wait."""
