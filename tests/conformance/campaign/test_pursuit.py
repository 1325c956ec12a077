"""What one worker finds, the others know of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from conformance.campaign.crew import CrewMember
from conformance.campaign.events import (
    Event,
    FindingMade,
    FindingMerged,
    FindingStored,
    FindingWithdrawn,
    Order,
    Stop,
)
from conformance.campaign.run import Campaign, Settings
from conformance.campaign.worker import Worker
from tests.lying.campaign import IMAGE, assignment, hunt
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


@dataclass
class Kept:
    """The line to a worker."""

    told: list[Order] = field(default_factory=list)

    def send(self, order: Order) -> None:
        self.told.append(order)


def test_findings_are_told_to_the_others_only(tmp_path: Path) -> None:
    settings = Settings((IMAGE,), ("health",), tmp_path / "out", "veridiff run", 1)
    campaign = Campaign(settings, lambda progress: None)
    campaign.create()
    one, other = Kept(), Kept()
    (post,) = campaign.rota.posts
    members = [CrewMember(assignment(), post, None, line) for line in (one, other)]  # type: ignore[arg-type]
    campaign.crew.members += members
    made = finding()
    campaign.handle(FindingMade(made), members[0])
    campaign.handle(FindingMerged(made, "other id"), members[0])
    assert (one.told, other.told) == ([], [FindingStored(made.id), FindingWithdrawn(made.id)])
    assert campaign.store.findings() == {}
