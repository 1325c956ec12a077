"""README.md names what there is: the properties, and the files of a run and of a finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.properties.registry import PROPERTIES
from reports import reproducers
from reports.write import write_reports
from tests.reports.conftest import run_directory
from tests.reports.samples import finding

README = (Path(__file__).parents[1] / "README.md").read_text()
__all__ = ["run_directory"]


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## )", README, re.S | re.M)
    assert found
    return found[1]


def test_every_property_has_a_row() -> None:
    rows = re.findall(r"^\| ([a-z]+) \|", section("Properties"), re.M)
    assert sorted(set(rows) - {"kind"}) == sorted(PROPERTIES)


def test_every_file_that_is_written_is_named(run_directory: Path, tmp_path: Path) -> None:
    named = set(re.findall(r"`([\w.]+\.\w+)`", section("Two commands")))
    written = {path.name for path in write_reports(run_directory).files}
    written |= set(reproducers.write(finding(right=None), tmp_path).files.values())
    written |= {"run.json", "finding.json"}
    assert len(written) > 10
    assert written - named - {"precision.csv"} == set()


@pytest.mark.parametrize("name", re.findall(r"\]\((docs/[\w-]+\.md)", README))
def test_documents_are_there(name: str) -> None:
    assert (Path(__file__).parents[1] / name).is_file()
