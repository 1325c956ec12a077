"""Where a campaign stands: what its workers have told so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.campaign.events import (
    ErrorMet,
    Event,
    FindingMade,
    FindingMerged,
    OfferMade,
    Standing,
    WorkerEnded,
)
from conformance.campaign.store import ERRORS
from conformance.campaign.tally import Tally
from conformance.kernel.session import MachineLoss
from reports.records import KernelOffer, LossRecord, Progress, Status


@dataclass(slots=True)
class KernelStanding:
    """What is known of one kernel of the campaign."""

    tally: Tally = field(default_factory=Tally)
    losses: list[LossRecord] = field(default_factory=list)
    release: str = ""
    accelerator: str = ""
    boots: int = 0
    seconds: float = 0.0
    """That workers worked on it, all together."""
    offer: KernelOffer | None = None
    """What it said that it has, once it was asked."""

    def add(self, told: Standing) -> None:
        """Take in what a worker told."""
        self.tally.add(told.tally)
        self.losses += (_loss(told.kernel, loss) for loss in told.losses)
        self.release = told.release or self.release
        self.accelerator = told.accelerator or self.accelerator
        self.boots += told.boots
        self.seconds += told.seconds


def _loss(kernel: str, loss: MachineLoss) -> LossRecord:
    return LossRecord(
        kernel=kernel,
        reason=loss.reason.value,
        in_flight=loss.in_flight,
        culprit=str(loss.culprit or ""),
        console=loss.console,
    )


class CampaignStanding:
    """Takes events; kernels are keyed by the names of their images."""

    def __init__(self, kernels: Iterable[str]) -> None:
        self.kernels = {kernel: KernelStanding() for kernel in kernels}
        self.errors: list[str] = []
        """What ended workers early, and is not the user's to mend; and what they met and went on after."""
        self.usage_errors: list[str] = []
        """What ended workers early, and is."""
        self.unwritten = ""
        """Why not all could be written to disk."""
        self.interrupted = False
        self.earlier = 0.0
        """Seconds of earlier sittings of the same run."""
        self._new: set[str] = set()
        self._begun: float | None = None
        self._stopped: float | None = None

    def handle(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case Standing():
                if event.tally.work and self._begun is None:
                    self._begun = time.monotonic()
                self.kernels[event.kernel].add(event)
            case FindingMade() if event.finding.status is Status.NEW:
                self._new.add(event.finding.id)
            case FindingMade():
                self._new.discard(event.finding.id)
            case FindingMerged():
                self._new.discard(event.finding.id)
            case OfferMade():
                self.kernels[event.kernel].offer = event.offer
            case ErrorMet():
                self.errors.append(event.error)
            case WorkerEnded() if event.error:
                (self.usage_errors if event.is_usage else self.errors).append(event.error)

    def stop_clock(self) -> None:
        """From now on no time passes."""
        self._stopped = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the first program or object was judged, in all sittings."""
        if self._begun is None:
            return self.earlier
        return self.earlier + (self._stopped or time.monotonic()) - self._begun

    @property
    def has_begun(self) -> bool:
        """Whether something was judged."""
        return self._begun is not None or self.earlier > 0

    @property
    def why_incomplete(self) -> str:
        """Empty where every worker did all that it was to do, met no error of ours, and all was written."""
        reasons = [reason for reason in ("interrupted" * self.interrupted, self.unwritten) if reason]
        counted = Counter(_last_line(error) for error in (*self.errors, *self.usage_errors))
        reasons += [
            f"{error} ({ERRORS})" if times == 1 else f"{error} ({times} times; {ERRORS})"
            for error, times in counted.items()
        ]
        return "; ".join(reasons)

    def progress(self, seconds_left: float | None) -> Progress:
        """Counts over all kernels."""
        total: Counter[str] = Counter()
        for kernel in self.kernels.values():
            total.update(kernel.tally.counts)
        elapsed = self.elapsed()
        return Progress(
            programs=total["judged"],
            accepted=total["accepted"],
            findings=len(self._new),
            programs_per_second=total["judged"] / elapsed if elapsed else 0.0,
            seconds=elapsed,
            seconds_left=seconds_left,
            objects=total["objects"],
        )


def _last_line(error: str) -> str:
    """Of a traceback, what was raised."""
    return error.strip().splitlines()[-1] if error.strip() else "an error without words"
