"""How many tests run side by side."""

from __future__ import annotations

import os

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One more than there are processors where virtual machines are booted, since much of that waits; else
    what xdist says."""
    return len(os.sched_getaffinity(0)) + 1 if config.option.markexpr == "vm" else None
