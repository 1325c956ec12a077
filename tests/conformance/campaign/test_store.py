"""What a run's directory keeps of a worker that ended early."""

from __future__ import annotations

from pathlib import Path

from conformance.campaign.events import WorkerEnded
from conformance.campaign.standing import CampaignStanding
from conformance.campaign.store import ERRORS, Store

FAULT = "Traceback (most recent call last):\n  File …\nKeyError: 224\n"


def test_an_error_of_ours_is_kept_whole(tmp_path: Path) -> None:
    store, standing = Store(tmp_path), CampaignStanding(("debian:6.12",), None)
    for event in (
        WorkerEnded(0, "debian:6.12", FAULT),
        WorkerEnded(1, "debian:6.12"),
        WorkerEnded(2, "debian:6.12", "no QEMU", is_usage=True),
    ):
        store.handle(event)
        standing.handle(event)
    assert (tmp_path / ERRORS).read_text() == f"worker 0 of debian:6.12: {FAULT}\n"
    assert standing.why_incomplete == f"KeyError: 224 ({ERRORS})"
