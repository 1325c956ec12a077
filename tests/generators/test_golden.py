"""The generator makes of 2,000 seeds per release what it made when the golden file was written."""

from __future__ import annotations

import json

import pytest

from tests.generators.golden import BLOCKS, FILE, RELEASES, digest


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("half", [0, 1])
def test_programs_of_these_seeds_are_the_same(release: str, half: int) -> None:
    expected = json.loads(FILE.read_text())[release]
    blocks = range(half, BLOCKS + 1, 2)
    assert {block: digest(release, block) for block in blocks} == {block: expected[block] for block in blocks}
