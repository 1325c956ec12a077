"""The suite as its users run it: pytest on a real kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.kernel.image import Image
from conformance.properties.registry import PROPERTIES

pytestmark = pytest.mark.vm
ROOT = Path(__file__).parents[2]


def test_every_property_holds_on_a_stock_kernel(image: Image) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "conformance/suite",
            "--kernel",
            image.name,
            "-q",
            "-p",
            "no:cacheprovider",
            "--hypothesis-seed=0",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    of_programs = sum(row.judge is not None and row.in_checks for row in PROPERTIES.values())
    of_objects = sum(row.judge_object is not None for row in PROPERTIES.values())
    assert f"{of_programs + 2 * of_objects} passed" in done.stdout, done.stdout + done.stderr
