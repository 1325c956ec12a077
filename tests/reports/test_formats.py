"""JUnit, KTAP, CSV and the mail text of the sample run."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from reports import directory, junit, ktap, markdown, veristat_csv
from reports.write import write_reports
from tests.reports.samples import HOSTILE, finding, hostile


def test_junit(run_directory: Path) -> None:
    root = ElementTree.fromstring(junit.render(directory.load(run_directory)))
    new, old = root.findall("testsuite")
    assert (new.get("name"), new.get("failures"), new.get("errors"), new.get("skipped")) == (
        "debian:6.12.117-1",
        "1",
        "0",
        "0",
    )
    assert (old.get("failures"), old.get("skipped"), old.get("tests")) == ("0", "1", "5")
    failure = new.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == finding().statement


def test_junit_survives_control_characters(run_directory: Path) -> None:
    loaded = directory.load(run_directory)
    bad = finding(statement="a\x00b\x1b ]]> " + HOSTILE)
    root = ElementTree.fromstring(junit.render(directory.RunDirectory(run_directory, loaded.summary, (bad,))))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "a\ufffdb\ufffd ]]> " + HOSTILE


def test_ktap(run_directory: Path) -> None:
    lines = ktap.render(directory.load(run_directory)).splitlines()
    assert lines[:2] == ["KTAP version 1", "1..2"]
    assert "  not ok 1 soundness" in lines
    assert "  ok 3 bounds # SKIP 0 judged, floor 5000" in lines
    assert "not ok 1 debian:6.12.117-1" in lines
    assert lines[-1] == "ok 2 debian:5.10.262-1"
    assert all(
        re.match(r"( {2})?(KTAP version 1|1\.\.\d+|(not )?ok \d+ \S+( # SKIP .*)?|# .*)$", line)
        for line in lines
    )


def test_ktap_of_a_run_cut_short_is_not_ok(run_directory: Path) -> None:
    run = directory.load(run_directory)
    cut = msgspec.structs.replace(run.summary, complete=False, incomplete_because="interrupted #1", cells=())
    lines = ktap.render(directory.RunDirectory(run_directory, cut, ())).splitlines()
    assert lines == ["KTAP version 1", "1..1", "# incomplete: interrupted 1", "not ok 1 run"]


def test_markdown_reads_like_a_bug_report() -> None:
    text = markdown.render(finding())
    order = [
        "# bpf, soundness: The kernel accepts",
        "signature:",
        "Program, with",
        ">  10: w6 = -1",
        "Packet:",
        "Verdicts, and whether it shows:",
    ]
    positions = [text.index(part) for part in [*order, "Verifier log", "To see it again:"]]
    assert positions == sorted(positions)
    assert "right verdict: reject" in text


def test_markdown_shortens_a_long_log_and_keeps_its_end() -> None:
    text = markdown.render(finding(log="\n".join(f"line {number}" for number in range(1000))))
    assert "[940 earlier lines left out]" in text
    assert "line 999" in text
    assert "line 939\n" not in text


def test_markdown_of_hostile_text_stays_in_its_block() -> None:
    lines = [line for line in markdown.render(hostile()).splitlines() if HOSTILE in line]
    assert all(line.startswith(("    ", "# bpf, health: ", "In the witness run: ")) for line in lines)
    assert lines


def test_the_end_of_a_run_writes_every_report(run_directory: Path) -> None:
    written = write_reports(run_directory).files
    names = [str(path.relative_to(run_directory)) for path in written]
    assert names == [
        "index.html",
        "findings/1f3a9c0de4b7a211/index.html",
        "findings/beefbeefbeefbeef/index.html",
        "junit.xml",
        "report.ktap",
        "summary.md",
        "findings.csv",
        "veristat.csv",
        "findings/1f3a9c0de4b7a211/report.md",
        "findings/beefbeefbeefbeef/report.md",
    ]
    assert all(path.stat().st_size for path in written)


BREAKS = ("junit.render", "markdown.render", "html.pages.history_page", "html.pages.finding_page")


@pytest.mark.parametrize("breaks", BREAKS)
def test_each_report_fails_alone(run_directory: Path, monkeypatch: pytest.MonkeyPatch, breaks: str) -> None:
    whole = len(write_reports(run_directory, [run_directory]).files)

    def fail(*_: object) -> str:
        raise ValueError("planted")

    monkeypatch.setattr(f"reports.{breaks}", fail)
    written = write_reports(run_directory, [run_directory])
    assert written.failures
    assert all(failure.endswith(": ValueError: planted") for failure in written.failures)
    assert len(written.files) == whole - len(written.failures)
    index = (run_directory / "index.html").read_text()
    assert all(failure in index for failure in written.failures)


def test_veristat_s_columns_hold_what_the_log_ends_in() -> None:
    files = {"object": "program.o"}
    about = finding(reproducers=files, verdicts=finding().verdicts[1:2])
    without = (
        msgspec.structs.replace(about, log="no numbers"),
        msgspec.structs.replace(about, reproducers={}),
        msgspec.structs.replace(about, verdicts=()),
    )
    (row,) = csv.DictReader(io.StringIO(veristat_csv.render((about, *without))))
    assert row == {
        "file_name": f"findings/{about.id}/program.o",
        "prog_name": f"veridiff_soundness_{about.id}",
        "verdict": "success",
        "total_insns": "17",
        "total_states": "1",
        "peak_states": "1",
        "max_states_per_insn": "0",
    }
