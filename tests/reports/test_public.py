"""Nothing of a finding that is not public gets out but its kind, severity, kernel and signature: planted, and looked for
in every byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from conformance.cli.progress import Display
from conformance.cli.reporting import report
from conformance.cli.run import as_plain
from reports.directory import load
from reports.records import Finding, LossRecord, Status, UnseenIssue
from reports.write import PUBLIC, write_public, write_reports
from tests.reports.samples import finding, summary

SECRET = "planted"
SEED = 3522409991
SHOWN = frozenset({"format", "id", "kind", "severity", "signature", "kernel", "status", "kernel_release"})
"""Fields of a finding that anyone may see."""


def planted(value: Any, name: str = "") -> Any:
    """A record with the secret in every text that may not be seen."""
    if isinstance(value, dict):
        return {key: each if key in SHOWN else planted(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [planted(each, name) for each in value]
    if not isinstance(value, str) or name in ("instructions", "packet", "context", "type", "contents"):
        return value
    return f"{SECRET} {value}"


def secret(**changes: Any) -> Finding:
    """A finding whose every text is the secret; its program is one too."""
    made: Finding = msgspec.convert(planted(msgspec.to_builtins(finding(**changes))), Finding)
    return msgspec.structs.replace(made, case=finding().case, reproducers={"c": "reproducer.c"})


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A run with a new finding and two known issues, of which one is public."""
    run = summary(
        seed=SEED,
        command=f"veridiff run --seed {SEED} --out {SECRET}",
        complete=False,
        incomplete_because=f"KeyError: {SECRET}",
        losses=(
            LossRecord(
                kernel="debian:6.12.117-1", reason="panic", in_flight=1, culprit=SECRET, console=SECRET
            ),
        ),
        rejections={SECRET: 1},
        unseen_issues=(UnseenIssue(SECRET, "debian:6.12.117-1", "stale", SECRET),),
    )
    findings = (
        secret(),
        secret(id="0" * 16, status=Status.KNOWN, known_as="local-entry", explanation="why"),
        finding(id="2" * 16, status=Status.KNOWN, known_as="open-entry", public=True, signature="open"),
    )
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(run))
    (tmp_path / "findings.jsonl").write_bytes(
        b"".join(msgspec.json.encode(each) + b"\n" for each in findings)
    )
    for each in findings:
        (tmp_path / "findings" / each.id).mkdir(parents=True)
        (tmp_path / "findings" / each.id / "reproducer.c").write_text("" if each.public else SECRET)
    return tmp_path


def leaks(text: str) -> bool:
    """Whether the secret, the seed that makes it again, or a line of the program is in it."""
    return any(word in text for word in (SECRET, str(SEED), "local-entry"))


def files(directory: Path) -> Iterator[Path]:
    return (path for path in sorted(directory.rglob("*")) if path.is_file())


def test_the_secret_is_in_every_report_that_is_not_public(private: Path) -> None:
    """Else the next test would find nothing wherever it looks."""
    write_reports(private)
    leaking = {path.name for path in files(private) if leaks(path.read_text())}
    assert leaking >= {
        "index.html", "junit.xml", "report.ktap", "report.md", "findings.csv", "summary.md", "run.json",
        "findings.jsonl", "reproducer.c",
    }  # fmt: skip


def test_no_public_report_tells_it(private: Path) -> None:
    write_reports(private)
    written = write_public(private)
    assert written.failures == ()
    public = list(files(private / PUBLIC))
    assert {path.name for path in public} >= {
        "index.html", "junit.xml", "report.ktap", "report.md", "findings.csv", "summary.md", "run.json",
        "findings.jsonl",
    }  # fmt: skip
    assert [str(path) for path in public if leaks(path.read_text())] == []
    assert sorted(written.files) == public


def test_what_may_be_seen_is_there(private: Path) -> None:
    write_public(private)
    run = load(private / PUBLIC)
    assert [each.signature for each in run.findings].count(finding().signature) == 2
    assert (run.summary.findings_new, run.summary.complete) == (1, False)
    index = (private / PUBLIC / "index.html").read_text()
    assert finding().signature in index
    assert "Details are withheld" in index
    whole = (private / PUBLIC / "findings" / ("2" * 16) / "index.html").read_text()
    assert finding().statement in whole
    assert "r6 += 1" in whole
    withheld = (private / PUBLIC / "findings" / finding().id / "index.html").read_text()
    assert finding().signature in withheld
    assert "r6 += 1" not in withheld


def test_reproducers_of_public_findings_only(private: Path) -> None:
    write_public(private)
    assert [path.parent.name for path in (private / PUBLIC).rglob("reproducer.c")] == ["2" * 16]


def test_the_command_line_tells_nothing_either(private: Path) -> None:
    write_reports(private)
    for arguments in ([str(private), "--public"], [str(private), "--public", "--json"]):
        done = CliRunner().invoke(report, arguments, standalone_mode=False)
        assert done.exception is None
        assert not leaks(done.output.replace(str(private), ""))


def test_nor_does_a_run(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_public(private)
    shown = load(private / PUBLIC)
    Display.result(None, shown)  # type: ignore[arg-type]
    said = capsys.readouterr().out.replace(str(private), "")
    assert finding().signature in said
    assert not leaks(said)
    assert not leaks(msgspec.json.encode(as_plain(shown)).decode().replace(str(private), ""))


def test_what_was_published_before_goes(private: Path) -> None:
    (private / PUBLIC / "findings" / "old").mkdir(parents=True)
    (private / PUBLIC / "findings" / "old" / "index.html").write_text(SECRET)
    write_public(private)
    assert not (private / PUBLIC / "findings" / "old").exists()


def test_a_new_field_is_private_until_somebody_says_otherwise() -> None:
    """What is shown of a withheld finding is listed; the rest keeps its default."""
    from reports.directory import RunDirectory
    from reports.public import withhold

    (withheld,) = withhold(RunDirectory(Path(), summary(), (secret(),)), Path()).findings
    told = {name for name, value in msgspec.to_builtins(withheld).items() if value}
    assert told == {"id", "kind", "statement", "severity", "signature", "kernel", "provenance"}
