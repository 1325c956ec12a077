"""A run's directory on disk, for the tests of reports."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from reports.records import ProgramJudged
from tests.reports.samples import finding, hostile, summary


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    """The sample run, as a campaign leaves it: no report written yet."""
    path = tmp_path / "run"
    path.mkdir()
    programs = [
        ProgramJudged(
            name="p0",
            kernel="debian:6.12.117-1",
            verdict="accept",
            instructions=18,
            microseconds=400,
            processed=17,
        ),
        ProgramJudged(
            name="p1", kernel="debian:6.12.117-1", verdict="reject", instructions=3, microseconds=100
        ),
        ProgramJudged(name="p2", kernel="debian:6.12.117-1", verdict="lost", instructions=3),
        ProgramJudged(name="p0", kernel="/boot/bzImage", verdict="accept", instructions=18),
    ]
    (path / "run.json").write_bytes(msgspec.json.encode(summary()))
    (path / "findings.jsonl").write_bytes(
        b"".join(msgspec.json.encode(one) + b"\n" for one in (hostile(), finding()))
    )
    (path / "programs.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in programs))
    return path
