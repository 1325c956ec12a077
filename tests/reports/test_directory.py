"""Records survive the disk, and what is wrong with a directory is said in one line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ebpf.errors import InputError
from reports import directory
from reports.records import Finding, RunSummary, Severity
from tests.reports.samples import finding, hostile, summary


def test_records_survive_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(finding()), type=Finding) == finding()
    assert msgspec.json.decode(msgspec.json.encode(summary()), type=RunSummary) == summary()


def test_new_findings_come_first_and_the_worst_of_them(run_directory: Path) -> None:
    mild = finding(id="aa", severity=Severity.LOW)
    with (run_directory / "findings.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(mild) + b"\n")
    run = directory.load(run_directory)
    assert [one.id for one in run.findings] == [finding().id, "aa", hostile().id]
    assert [one.id for one in run.known] == [hostile().id]


def test_a_line_that_a_kill_cut_short_is_left_out(run_directory: Path) -> None:
    with (run_directory / "findings.jsonl").open("ab") as file:
        file.write(b'{"format": "veridiff-fin')
    assert len(directory.load(run_directory).findings) == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("findings.jsonl", b"{}\n", r"findings\.jsonl:1: Object missing required field"),
        (
            "findings.jsonl",
            b'{"format": "veridiff-finding/2"}\n',
            r"findings\.jsonl:1: Invalid enum value 'veridiff-finding/2'",
        ),
        ("run.json", b"{", r"run\.json: Input data was truncated"),
        ("run.json", None, r"not a run's directory: .*run\.json: No such file"),
    ],
)
def test_a_broken_directory_is_one_clear_error(
    run_directory: Path, name: str, content: bytes | None, reason: str
) -> None:
    if content is None:
        (run_directory / name).unlink()
    else:
        (run_directory / name).write_bytes(content)
    with pytest.raises(InputError, match=reason):
        directory.load(run_directory)


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        directory.load(tmp_path / "none")
