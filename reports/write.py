"""All reports of a run, side by side in its directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from reports import (
    directory,
    findings_csv,
    html,
    junit,
    ktap,
    markdown,
    precision,
    step_summary,
    veristat_csv,
)
from reports.directory import RunDirectory
from reports.public import withhold
from reports.reproducers import files as reproducers

PUBLIC = "public"
"""The folder of a run's directory that anyone may see."""


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """What became of the reports: each is written, or fails, alone."""

    files: tuple[Path, ...]
    """index.html first, where it could be written."""
    failures: tuple[str, ...]
    """One line for each that could not: its name and why."""


def write_reports(path: Path, earlier: Sequence[Path] = ()) -> WrittenReports:
    """Write index.html with its pages, junit.xml, report.ktap, summary.md, findings.csv, veristat.csv,
    precision.csv and one findings/ID/report.md each; and history.html where there are ``earlier`` runs.  The
    index says what could not be written.

    Raises :class:`ebpf.errors.InputError` when a directory does not hold a run.
    """
    return _write(directory.load(path), {}, [directory.load(each) for each in earlier])


def write_public(path: Path, earlier: Sequence[Path] = ()) -> WrittenReports:
    """Write the reports of a run as anyone may see it into its folder ``public``, anew, with the records
    they were made of, and reproducers of findings that are public.  Raises as :func:`write_reports`
    does."""
    run = directory.load(path)
    home = path / PUBLIC
    shutil.rmtree(home, ignore_errors=True)
    shown = withhold(run, home)
    records: dict[Path, Callable[[], str]] = {
        home / "run.json": lambda: msgspec.json.encode(shown.summary).decode(),
        home / "findings.jsonl": lambda: "".join(
            msgspec.json.encode(finding).decode() + "\n" for finding in shown.findings
        ),
    }
    made = [
        home / "findings" / finding.id / name
        for finding in shown.findings
        if finding.public
        for name in reproducers.write(finding, home / "findings" / finding.id).files.values()
    ]
    written = _write(shown, records, [withhold(directory.load(each), each) for each in earlier])
    return WrittenReports((*written.files, *made), written.failures)


def _write(
    run: RunDirectory, texts: dict[Path, Callable[[], str]], earlier: Sequence[RunDirectory]
) -> WrittenReports:
    path = run.directory
    texts = (
        texts
        | html.texts(run, earlier)
        | {
            path / "junit.xml": lambda: junit.render(run),
            path / "report.ktap": lambda: ktap.render(run),
            path / "summary.md": lambda: step_summary.render(run),
            path / "findings.csv": lambda: findings_csv.render(run.findings),
            path / "veristat.csv": lambda: veristat_csv.render(run.findings),
        }
    )
    for finding in run.findings:
        texts[path / "findings" / finding.id / "report.md"] = partial(markdown.render, finding)
    if run.summary.precision:
        texts[path / "precision.csv"] = lambda: precision.as_csv(run.summary.precision)
    files: list[Path] = []
    failures: list[str] = []

    def write(file: Path, render: Callable[[], str]) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(render(), encoding="utf-8")
            files.append(file)
        except Exception as error:
            failures.append(f"{file.relative_to(path)}: {type(error).__name__}: {error}")

    for file, render in texts.items():
        write(file, render)
    # Last, since it says what could not be written.
    history = path / html.HISTORY in files
    write(path / "index.html", lambda: html.index_page(run, failures, history=history))
    return WrittenReports(tuple(sorted(files, key=lambda file: file != path / "index.html")), tuple(failures))
