"""docs/again.md shows what the commands print."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from conformance.campaign.events import FindingMade
from conformance.campaign.store import Store
from conformance.cli import main
from conformance.kernel.images import fetch
from ebpf.errors import VeridiffError
from reports.records import Finding, KernelRun
from tests.reports.samples import summary

pytestmark = [pytest.mark.vm, pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")]
ROOT = Path(__file__).parents[2]
FOUND = ROOT / "tests" / "data" / "findings" / "76423c7c8786.json"
BLOCKS = re.findall(r"^```\n(\$ .*?)^```$", (ROOT / "docs" / "again.md").read_text(), re.M | re.S)


def steps(block: str) -> Iterator[tuple[str, str]]:
    """Commands, and what is printed after each."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the runs ``first`` and ``second``."""
    home = tmp_path_factory.mktemp("again")
    finding = msgspec.json.decode(FOUND.read_bytes(), type=Finding)
    try:
        kernels = {"first": fetch(finding.kernel), "second": fetch("debian:6.12")}
    except VeridiffError as error:
        pytest.skip(f"the kernel of the finding is not to be had any more: {error}")
    for name, image in kernels.items():
        store = Store(home / name)
        store.create()
        named = KernelRun(name=image.name, release=image.version, accelerator="tcg")
        store.save_summary(summary(kernels=(named,), cells=(), losses=(), findings_new=0))
    Store(home / "first").handle(FindingMade(finding))
    return home


def printed_by(command: str, capfd: pytest.CaptureFixture[str]) -> str:
    words = shlex.split(command)
    if words[0] != "veridiff":
        subprocess.run(words, check=True)
        return capfd.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(words[1:])
    said = capfd.readouterr()
    assert ended.value.code in (0, 1), said.err
    return said.out


def pattern_of(printed: str) -> str:
    """A line of "…" alone stands for any lines, one within a line for the rest of a word or of the line."""
    return "".join(
        "(.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in printed.splitlines()
    )


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_document_shows_what_is_printed(
    place: Path, number: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    for command, expected in steps(BLOCKS[number]):
        printed = printed_by(command, capfd)
        assert re.fullmatch(pattern_of(expected), printed), f"{command}\n{printed[-3000:]}"


def test_every_command_is_shown() -> None:
    shown = {command.split()[1] for block in BLOCKS for command, _ in steps(block) if "veridiff" in command}
    assert shown >= {"replay", "compare", "run", "bisect", "vm", "report"}
