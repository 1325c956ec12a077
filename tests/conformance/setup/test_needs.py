"""A command asks for what it needs and nothing else."""

from __future__ import annotations

import pytest

from conformance.setup.needs import Need, needs_of


@pytest.mark.parametrize(
    ("line", "wanted", "unwanted"),
    [
        ("run --minutes 2", Need.EMULATOR | Need.COMPILER, Need.BROWSER | Need.DEVELOPMENT),
        ("--json check a.o", Need.EMULATOR | Need.COMPILER, Need.BROWSER),
        ("kernels probe debian:6.1", Need.EMULATOR | Need.COMPILER, Need.BROWSER),
        ("kernels list", Need.ENVIRONMENT, Need.EMULATOR | Need.COMPILER),
        ("plugin kernel", Need.EMULATOR, Need.BROWSER),
        ("plugin interpreter", Need.ENVIRONMENT, Need.EMULATOR | Need.COMPILER),
        ("report DIR", Need.ENVIRONMENT, Need.EMULATOR | Need.COMPILER),
        ("corpus records.json.gz", Need.ENVIRONMENT, Need.EMULATOR | Need.COMPILER),
        ("corpus records.json.gz --kernel debian:6.12", Need.EMULATOR | Need.COMPILER, Need.BROWSER),
        ("corpus debian:7.3", Need.EMULATOR | Need.COMPILER, Need.BROWSER),
        ("corpus DIR", Need.EMULATOR | Need.COMPILER, Need.BROWSER),
        ("run --help", Need.ENVIRONMENT, Need.EMULATOR | Need.COMPILER),
        ("check -h", Need.ENVIRONMENT, Need.EMULATOR | Need.COMPILER),
        ("test", Need.DEVELOPMENT | Need.BROWSER | Need.EMULATOR, Need(0)),
        ("", Need.ENVIRONMENT, Need.EMULATOR | Need.COMPILER),
    ],
)
def test_needs(line: str, wanted: Need, unwanted: Need) -> None:
    needs = needs_of(line.split())
    assert wanted in needs
    assert Need.ENVIRONMENT in needs
    assert not needs & unwanted
