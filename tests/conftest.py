"""How many tests run at once."""

from __future__ import annotations

import os

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Half as many again as there are CPUs for tests that boot machines: a third of their time they wait."""
    cpus = len(os.sched_getaffinity(0))
    return cpus + cpus // 2 if config.getoption("markexpr") == "vm" else None
