"""A scheduler and three workers of this machine, with the lying kernel: one is killed at its work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.run import Campaign, Settings
from conformance.campaign.worker import Worker
from ebpf.errors import InfrastructureError
from tests.lying.campaign import IMAGE, Line
from tests.lying.kernel import LyingKernel

distributed = pytest.importorskip("distributed", reason="no dask.distributed")
from conformance.campaign.cluster import Cluster  # noqa: E402
from tests.lying.lying_cluster import Lying, make_small, wrong_neg  # noqa: E402

KINDS = ("health", "soundness", "execution")
EXAMPLES = 90
"""Over three workers."""


@pytest.fixture
def scheduler() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=3,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.register_plugin(Lying())
        yield client


def settings(directory: Path) -> Settings:
    return Settings((IMAGE,), KINDS, directory, "veridiff run", 5, workers=3, seconds=None, examples=EXAMPLES)


def run_here(directory: Path, patch: pytest.MonkeyPatch) -> Campaign:
    """The same assignments one after the other, in this process."""
    make_small(patch)
    campaign = Campaign(settings(directory), lambda progress: None)
    campaign.store.create()
    while (post := campaign.rota.next()) is not None:
        task = campaign._assignment(post)
        Worker(task, Line(campaign.handle), LyingKernel(wrong_neg).session).work()
        post.is_closed = True
        campaign.rota.leave(post)
    return campaign


def kill_one(client: Any, killed: list[str]) -> None:
    """The first worker that has a task for a while."""
    while not killed:
        time.sleep(0.2)
        for address, tasks in client.processing().items():
            if tasks:
                time.sleep(1.0)
                pid = client.run(os.getpid, workers=[address])[address]
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                killed.append(address)
                return


def test_a_lost_worker_s_task_runs_again_and_findings_are_those_of_one_machine(
    scheduler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(scheduler.scheduler.address)
    assert cluster.size == 3
    campaign = Campaign(settings(tmp_path / "cluster"), lambda progress: None, crew=cluster)
    campaign.create()
    killed: list[str] = []
    killer = threading.Thread(target=kill_one, args=(scheduler, killed))
    killer.start()
    summary = campaign.run()
    killer.join()
    cluster.close()
    assert killed
    assert summary.complete, summary.incomplete_because
    assert summary.programs.judged == EXAMPLES
    here = run_here(tmp_path / "here", monkeypatch)
    assert here.summary(finished=True).programs.judged == EXAMPLES
    found, expected = (
        {each.id: each.signature for each in store.findings().values() if not each.same_as}
        for store in (campaign.store, here.store)
    )
    assert expected
    assert found == expected


def test_nobody_at_the_address() -> None:
    with pytest.raises(InfrastructureError, match="no Dask scheduler answers"):
        Cluster("tcp://127.0.0.1:1", patience=0.5)
