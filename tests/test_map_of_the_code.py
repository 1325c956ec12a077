"""ARCHITECTURE.md names files that are there, and leads a reader through each of them once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[\w.]+/)*[\w.]+\.(?:py|c|h|json|md|toml)|(?:[\w.]+/)+")
_MADE = {"run.json", "findings.jsonl", "reproducer.c", "verifier_veridiff.c", "program.json"}
"""What a run writes."""


def paths(text: str) -> list[str]:
    """Files and folders that the text quotes, in its order; of ``file.py: name`` the file."""
    quoted = (each.split(":")[0].split(" ")[0] for each in _QUOTED.findall(text))
    return [each for each in quoted if _PATH.fullmatch(each) and each not in _MADE]


def found(path: str) -> list[Path]:
    """What the path may mean: from the top or anywhere below it, whole folder names only."""
    tops = ("", "conformance/", "tests/", "reports/", "generators/")
    direct = [ROOT / top / path for top in tops if (ROOT / top / path).exists()]
    return direct or [
        each
        for folder in ("conformance", "ebpf", "generators", "oracles", "reports", "tests")
        for each in (ROOT / folder).rglob(path.rstrip("/"))
        if "__pycache__" not in each.parts
    ]


def test_it_names_what_is_there() -> None:
    named = paths(PAGE)
    assert len(named) > 100
    assert [path for path in named if not found(path)] == []


def test_the_life_of_a_program_leads_through_each_file_once() -> None:
    life = PAGE.split("## The life of one program")[1].split("\n## ")[0]
    steps = [path for path in paths(life) if path.endswith((".py", ".c"))]
    assert len(steps) > 25
    files = Counter(file for path in steps for file in found(path))
    assert [str(file.relative_to(ROOT)) for file, times in files.items() if times > 1] == []
