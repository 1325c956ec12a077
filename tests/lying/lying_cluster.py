"""What turns a worker of a Dask cluster into one whose kernel lies."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from distributed import WorkerPlugin

from conformance.campaign import cluster, pursuit
from conformance.campaign import worker as workers
from conformance.campaign.assignment import Assignment
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.kernel.qemu import Accelerator
from conformance.kernel.session import KernelSession
from ebpf.isa import opcodes as o
from tests.lying import lies
from tests.lying.campaign import PROFILE
from tests.lying.kernel import LyingKernel

WRONG = o.NEG | o.ALU64
SECONDS = 0.02
"""Of each job: a worker is to be killed while it works."""


def wrong_neg(job: Job, answer: KernelAnswer) -> KernelAnswer:
    """The JIT gets every program wrong that holds this instruction."""
    if any(insn.opcode == WRONG for insn in job.case.program.instructions):
        return lies.attempt(0, lies.every_run(lies.wrong_r0))(answer)
    return answer


def slowly(job: Job, answer: KernelAnswer) -> KernelAnswer:
    time.sleep(SECONDS)
    return wrong_neg(job, answer)


class Lying(WorkerPlugin):
    """Installed in every worker, one that was started anew too."""

    def setup(self, worker: Any) -> None:
        def prepare(task: Assignment) -> tuple[Assignment, Callable[..., KernelSession]]:
            return task, LyingKernel(slowly).session

        patch = pytest.MonkeyPatch()
        patch.setattr(cluster, "prepare", prepare)
        make_small(patch)


def make_small(patch: pytest.MonkeyPatch) -> None:
    """What a worker here and on a cluster does alike: programs that the model can judge, and
    reduction to its end, however busy the machine is."""
    patch.setattr(workers, "profile_for", lambda *_: PROFILE)
    patch.setattr(workers, "accelerator", lambda image: Accelerator.TCG)
    patch.setattr(pursuit, "SHRINK_SECONDS", 600.0)
