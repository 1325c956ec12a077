"""docs/pipeline.md: what it shows is what the tools print, and it passes over no row."""

from __future__ import annotations

import re
from pathlib import Path

from ebpf.assembly import listing
from tests.ebpf.objects import talk

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "pipeline.md").read_text()


def test_the_listing_of_hello() -> None:
    shown = re.search(r"<!-- hello -->\n```\n(.*?)```", TEXT, re.S)
    assert shown
    lines = [f"{slot:4}: {text}" for slot, text in listing(talk.hello().program.instructions)]
    assert shown[1].splitlines() == lines


def test_every_row_is_spoken_of_and_has_a_test() -> None:
    spoken: set[int] = set()
    for first, word, last in re.findall(r"^## (\d+)(?: (to|and) (\d+))?\. ", TEXT, re.M):
        spoken |= {int(first)} if not word else set(range(int(first), int(last) + 1))
    assert spoken == set(range(1, 22))
    files = [*ROOT.glob("tests/pipeline/test_*.py"), *ROOT.glob("tests/vm/test_*.py")]
    names = re.findall(
        r"def test_rows?_(\d\d)(?:_and_(\d\d))?_", "\n".join(file.read_text() for file in files)
    )
    tested = {int(number) for pair in names for number in pair if number}
    assert tested == set(range(1, 22))
