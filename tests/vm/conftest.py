"""Kernels to boot: VERIDIFF_TEST_KERNELS (comma-separated names as ``--kernel`` takes them), else one stock
long-term kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.kernel.image import Image
from conformance.kernel.images import fetch
from conformance.kernel.session import KernelSession

NAMES = [name for name in os.environ.get("VERIDIFF_TEST_KERNELS", "debian:6.12").split(",") if name]
SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session", params=NAMES)
def image(request: pytest.FixtureRequest) -> Image:
    """Each of the kernels, fetched when it is not cached."""
    return fetch(request.param)


@pytest.fixture(scope="session")
def kernel(image: Image) -> Iterator[KernelSession]:
    """One session for all tests that do not harm it."""
    with KernelSession.open(image) as session:
        yield session


@pytest.fixture(scope="session")
def bugbench() -> Path:
    """The directory of kernels with planted bugs."""
    path = SHARED / "bugbench"
    if not path.exists():
        pytest.skip(f"needs the development data in {path}")
    return path
