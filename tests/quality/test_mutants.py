"""The tool finds the places it says, changes one of them at a time, and tells a killed mutant from one that
survives."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.quality.explained import EXPLAINED
from tests.quality.mutants import ROOT, TESTS, enumerate_all
from tests.quality.runner import Fate, Scratch, Stage
from tests.quality.sites import mutants, signatures

TOY = '''"""Text: 1 < 2."""
from __future__ import annotations
Kind = int | None


def smaller(a: int, b: int, name: str = "a") -> int:
    """The smaller of 2."""
    if a < b and name:
        return a
    return b


def log(x: int | None, y: int) -> None:
    raise ValueError(f"{x + 1} is wrong")
    smaller(y, x)
'''


def _mutations(source: str) -> list[tuple[int, str]]:
    return [
        (mutant.number, mutant.mutation)
        for mutant in mutants("toy.py", source, signatures([ast.parse(source)]))
    ]


def test_sites_are_what_runs_and_nothing_that_only_speaks() -> None:
    assert _mutations(TOY) == [
        (8, "negated"),
        (8, "and becomes or"),
        (8, "Lt becomes LtE"),
        (14, "dropped"),
        (15, "dropped"),
        (15, "arguments 1 and 2 swapped"),
    ]


@pytest.mark.parametrize(
    ("source", "mutation", "changed"),
    [
        ("a = b - c * d", "Mult becomes Add", "a = b - (c + d)"),
        ("a = 7", "7 becomes 8", "a = 8"),
        ("a = not b", "Not dropped", "a = (b)"),
        ("a = b if c else d", "negated", "a = (b if not c else d)"),
        ("a = True", "True becomes False", "a = False"),
        ("é = b is c", "Is becomes IsNot", "é = (b is not c)"),
        ("while a:\n    break", "negated", "while (not (a)):\n    break"),
        ("if a:\n    a += 1", "dropped", "if a:\n    pass"),
    ],
)
def test_a_change_is_made_where_it_belongs(source: str, mutation: str, changed: str) -> None:
    assert changed in [mutant.text for mutant in mutants("toy.py", source, {}) if mutant.mutation == mutation]


def test_every_mutant_of_the_oracles_compiles_and_differs() -> None:
    every = enumerate_all(ROOT, tuple(TESTS))
    assert len(every) > 3000
    for mutant in every[:: len(every) // 200]:
        assert ast.dump(ast.parse(mutant.text)) != ast.dump(ast.parse((ROOT / mutant.path).read_text())), (
            mutant.key
        )


def test_what_is_explained_exists() -> None:
    keys = {mutant.key for mutant in enumerate_all(ROOT, tuple(TESTS))}
    assert set(EXPLAINED) <= keys, set(EXPLAINED) - keys


def test_a_planted_mutant_is_killed_and_one_that_no_test_sees_survives(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "ebpf").mkdir(parents=True)
    (checkout / "tests").mkdir()
    source = "def smaller(a, b):\n    return a if a < b else b\n"
    (checkout / "ebpf" / "toy.py").write_text(source)
    (checkout / "tests" / "test_toy.py").write_text(
        "from ebpf.toy import smaller\n\ndef test_it():\n    assert smaller(1, 2) == 1\n"
    )
    (checkout / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["vm", "shared"]\n')
    scratch = Scratch(checkout, tmp_path / "scratch")
    tests = ("tests",)
    assert scratch.baseline(tests) is not None
    found = mutants("ebpf/toy.py", source, {})
    fates = {mutant.mutation: scratch.fate(mutant.path, mutant.text, (Stage(tests, 60),)) for mutant in found}
    assert fates == {"negated": Fate.KILLED, "Lt becomes LtE": Fate.SURVIVED}
    endless = scratch.fate(
        "ebpf/toy.py", source.replace("return", "while True: pass\n    return"), (Stage(tests, 2),)
    )
    assert endless is Fate.TIME_OUT
    assert (
        (checkout / "ebpf" / "toy.py").read_text()
        == (scratch.place / "ebpf" / "toy.py").read_text()
        == source
    )
