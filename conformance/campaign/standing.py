"""Where a campaign stands: what its workers have told so far."""

from __future__ import annotations

import time
from collections import Counter

from conformance.campaign.events import Event, Standing, WorkerEnded
from conformance.campaign.store import ERRORS
from conformance.campaign.tally import Tally
from conformance.kernel.session import MachineLoss
from reports.records import Progress


class CampaignStanding:
    """Takes events; kernels are keyed by the names of their images."""

    def __init__(self, kernels: tuple[str, ...], seconds: float | None) -> None:
        self.seconds = seconds
        """The time per kernel, None where the work is counted otherwise."""
        self.tallies = {kernel: Tally() for kernel in kernels}
        self.losses: dict[str, list[MachineLoss]] = {kernel: [] for kernel in kernels}
        self.workers: dict[tuple[str, int], Standing] = {}
        """The last that each told."""
        self.ended: dict[tuple[str, int], WorkerEnded] = {}
        self.interrupted = False
        self._begun: float | None = None
        self._stopped: float | None = None

    def handle(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case Standing():
                if event.tally.work and self._begun is None:
                    self._begun = time.monotonic()
                self.tallies[event.kernel].add(event.tally)
                self.losses[event.kernel] += event.losses
                self.workers[event.kernel, event.worker] = event
            case WorkerEnded():
                self.ended[event.kernel, event.worker] = event

    def stop_clock(self) -> None:
        """From now on no time passes."""
        self._stopped = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the first program or object was judged."""
        return 0.0 if self._begun is None else (self._stopped or time.monotonic()) - self._begun

    @property
    def has_begun(self) -> bool:
        """Whether something was judged."""
        return self._begun is not None

    @property
    def errors(self) -> list[str]:
        """What ended workers early, and is not the user's to mend."""
        return [ended.error for ended in self.ended.values() if ended.error and not ended.is_usage]

    @property
    def usage_errors(self) -> list[str]:
        """What ended workers early, and is."""
        return [ended.error for ended in self.ended.values() if ended.error and ended.is_usage]

    @property
    def why_incomplete(self) -> str:
        """Empty where every worker did all that it was to do."""
        if self.interrupted:
            return "interrupted"
        return "; ".join(
            error.strip().splitlines()[-1] + f" ({ERRORS})" for error in [*self.errors, *self.usage_errors]
        )

    def progress(self) -> Progress:
        """Counts over all kernels."""
        total: Counter[str] = Counter()
        for tally in self.tallies.values():
            total.update(tally.counts)
        elapsed = self.elapsed()
        return Progress(
            programs=total["judged"],
            accepted=total["accepted"],
            findings=sum(worker.new for worker in self.workers.values()),
            programs_per_second=total["judged"] / elapsed if elapsed else 0.0,
            seconds=elapsed,
            seconds_left=None if self.seconds is None else max(0.0, self.seconds - elapsed),
            objects=total["objects"],
        )
