"""What a run's directory keeps of a worker that ended early."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from conformance.campaign.events import FindingMade, FindingMerged, WorkerEnded
from conformance.campaign.run import Campaign, Settings
from conformance.campaign.standing import CampaignStanding
from conformance.campaign.store import ERRORS, Store
from ebpf.errors import InfrastructureError, InputError
from reports.directory import load
from reports.records import Finding
from tests.lying.campaign import IMAGE
from tests.reports.samples import CASE, finding

FAULT = "Traceback (most recent call last):\n  File …\nKeyError: 224\n"


def test_what_ended_a_worker_is_kept_whole(tmp_path: Path) -> None:
    store, standing = Store(tmp_path), CampaignStanding(("debian:6.12",))
    for event in (
        WorkerEnded(0, "debian:6.12", FAULT),
        WorkerEnded(1, "debian:6.12"),
        WorkerEnded(2, "debian:6.12", "no QEMU", is_usage=True),
    ):
        store.handle(event)
        standing.handle(event)
    assert (tmp_path / ERRORS).read_text() == (
        f"worker 0 of debian:6.12: {FAULT}\nworker 2 of debian:6.12: no QEMU\n"
    )
    assert standing.why_incomplete == f"KeyError: 224 ({ERRORS}); no QEMU ({ERRORS})"


def test_only_what_the_user_can_mend_is_a_usage_error() -> None:
    """A kernel that no longer boots in the middle of a run is none: the run is not complete, exit status 3."""
    ended = WorkerEnded(0, "debian:6.12")
    assert ended.by(InputError("no such kernel")).is_usage
    broken = ended.by(InfrastructureError("the kernel does not boot (3 tries)"))
    assert (broken.error, broken.is_usage) == ("the kernel does not boot (3 tries)", False)
    with pytest.raises(KeyError) as raised:
        dict[int, int]()[224]
    told = ended.by(raised.value).error
    assert (told.splitlines()[0], told.splitlines()[-1]) == (
        "Traceback (most recent call last):",
        "KeyError: 224",
    )


OF_ONE, OF_OTHER = finding(), finding(case={**CASE, "name": "another"})
"""The same signature, seen by two workers in two programs."""


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([FindingMade(OF_ONE), FindingMerged(OF_ONE, "x")], None),
        ([FindingMade(OF_ONE), FindingMade(OF_OTHER)], OF_OTHER),
        ([FindingMade(OF_ONE), FindingMade(OF_OTHER), FindingMerged(OF_OTHER, "x")], OF_ONE),
        ([FindingMade(OF_ONE), FindingMade(OF_OTHER), FindingMerged(OF_ONE, "x")], OF_OTHER),
        (
            [
                FindingMade(OF_ONE),
                FindingMade(OF_OTHER),
                FindingMerged(OF_OTHER, "x"),
                FindingMerged(OF_ONE, "y"),
            ],
            None,
        ),
    ],
)
def test_only_whose_finding_was_another_loses_it(
    tmp_path: Path, events: list[FindingMade | FindingMerged], left: Finding | None
) -> None:
    """One worker's finding that turned out to be another takes nothing from who found the signature too."""
    campaign = Campaign(
        Settings((IMAGE,), ("soundness",), tmp_path / "out", "veridiff run", 1), lambda progress: None
    )
    campaign.create()
    for event in events:
        campaign.handle(event)
    kept = campaign.store.findings()
    assert [each.case for each in kept.values()] == ([] if left is None else [left.case])
    assert campaign.standing.progress(None).findings == len(kept)
    # The directory, as reports and resumed runs read it, says the same.
    assert [each.case for each in load(tmp_path / "out").findings] == [each.case for each in kept.values()]
    case = tmp_path / "out" / "findings" / OF_ONE.id / "case.json"
    assert case.exists() == (left is not None)
    if left is not None and left.case is not None:
        assert msgspec.json.decode(case.read_bytes())["name"] == left.case["name"]
