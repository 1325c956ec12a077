"""What one worker finds, the others know of."""

from __future__ import annotations

from pathlib import Path

from conformance.campaign.events import (
    Event,
    FindingMade,
    FindingMerged,
    FindingStored,
    FindingWithdrawn,
    Order,
    Stop,
)
from conformance.campaign.worker import Worker
from tests.lying.campaign import assignment, hunt
from tests.lying.kernel import LyingKernel
from tests.reports.samples import finding


class Orders:
    """A channel that has these orders, one list per call."""

    def __init__(self, *orders: list[Order]) -> None:
        self.left = list(orders)

    def send(self, event: Event) -> None:
        pass

    def orders(self) -> list[Order]:
        return self.left.pop(0) if self.left else []


def test_a_worker_knows_what_others_found_and_took_back(tmp_path: Path) -> None:
    worker = Worker(
        assignment(), Orders([FindingStored("a"), FindingStored("b")], [FindingWithdrawn("a")], [Stop()])
    )
    worker.pursuit = hunt(tmp_path, LyingKernel()).pursuit
    assert not worker._is_told_to_stop()
    assert worker.pursuit.found == {"a", "b"}
    assert not worker._is_told_to_stop()
    assert worker.pursuit.found == {"b"}
    assert worker._is_told_to_stop()


def test_findings_are_told_to_the_others_only(tmp_path: Path) -> None:
    from conformance.campaign.run import Campaign, Settings, _Started
    from tests.lying.campaign import IMAGE

    told: dict[str, list[Order]] = {"one": [], "other": []}

    class Line:
        def __init__(self, name: str) -> None:
            self.name = name

        def send(self, order: Order) -> None:
            told[self.name].append(order)

    settings = Settings((IMAGE,), ("health",), tmp_path / "out", "veridiff run", 1)
    campaign = Campaign(settings, lambda progress: None)
    campaign.create()
    workers = {name: _Started(assignment(), None, Line(name)) for name in told}  # type: ignore[arg-type]
    campaign._workers = list(workers.values())
    made = finding()
    campaign.handle(FindingMade(made), workers["one"])
    campaign.handle(FindingMerged(made, "other id"), workers["one"])
    assert told == {"one": [], "other": [FindingStored(made.id), FindingWithdrawn(made.id)]}
    assert campaign.store.findings() == {}
