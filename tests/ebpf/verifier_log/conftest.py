"""The development data, where it is present."""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("VERIDIFF_SHARED", Path(__file__).resolve().parents[3] / "../shared"))
SAMPLES = Path(__file__).resolve().parents[2] / "data" / "logs"
KERNELS = ("6.1", "6.12", "7.3")


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The records of a .jsonl.xz file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@pytest.fixture(params=KERNELS)
def corpus_logs(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """(kernel, file of its logs), skipped where the development data is absent."""
    path = SHARED / "corpus" / f"logs-on-{request.param}.jsonl.xz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return request.param, path
