"""The workflows call environments that there are, and let nothing out that is private."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def environments() -> set[str]:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    return {name.removeprefix("testenv:") for name in tox.sections() if name.startswith("testenv:")}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_it_calls_what_there_is(workflow: Path) -> None:
    text = workflow.read_text()
    called = set(re.findall(r"veridiff test -e ([\w-]+)", text))
    for matrix in re.findall(r"environment: \[(.*)\]", text):
        called |= {name.strip() for name in matrix.split(",")}
    assert called
    assert called <= environments()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_what_it_keeps_and_shows_is_public(workflow: Path) -> None:
    text = workflow.read_text()
    shown = re.findall(r"^\s+path: (.*)$|cat (\S+)", text, re.M)
    assert shown
    assert all(re.fullmatch(r"\w+/public(/[\w.]+)?", path or file) for path, file in shown)
    command = text + (ROOT / "tox.ini").read_text()
    assert "--public" in command


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="no actionlint")
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actionlint_has_nothing_to_say(workflow: Path) -> None:
    done = subprocess.run(["actionlint", workflow], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_there_are_two() -> None:
    assert [path.stem for path in WORKFLOWS] == ["nightly", "smoke"]
