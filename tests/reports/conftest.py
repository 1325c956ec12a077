"""A run's directory on disk, for the tests of reports."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.reports.samples import finding, hostile, summary


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    """The sample run, as a campaign leaves it: no report written yet."""
    path = tmp_path / "run"
    path.mkdir()
    (path / "run.json").write_bytes(msgspec.json.encode(summary()))
    (path / "findings.jsonl").write_bytes(
        b"".join(msgspec.json.encode(one) + b"\n" for one in (hostile(), finding()))
    )
    return path
