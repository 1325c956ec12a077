"""What a run's directory keeps of a worker that ended early."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign.events import WorkerEnded
from conformance.campaign.standing import CampaignStanding
from conformance.campaign.store import ERRORS, Store
from ebpf.errors import InfrastructureError, InputError

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
    assert (broken.error, broken.is_usage) == ("debian:6.12: the kernel does not boot (3 tries)", False)
    with pytest.raises(KeyError) as raised:
        dict[int, int]()[224]
    told = ended.by(raised.value).error
    assert (told.splitlines()[0], told.splitlines()[-1]) == (
        "Traceback (most recent call last):",
        "KeyError: 224",
    )
