"""All reports of a run, side by side in its directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from reports import directory, findings_csv, html, junit, ktap, markdown, precision, step_summary
from reports.directory import RunDirectory
from reports.public import withhold

PUBLIC = "public"
"""The folder of a run's directory that anyone may see."""


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """What became of the reports: each is written, or fails, alone."""

    files: tuple[Path, ...]
    """index.html first, where it could be written."""
    failures: tuple[str, ...]
    """One line for each that could not: its name and why."""


def write_reports(path: Path) -> WrittenReports:
    """Write index.html with its pages, junit.xml, report.ktap, summary.md, findings.csv, precision.csv and
    one findings/ID/report.md each.  The index says what could not be written.

    Raises :class:`ebpf.errors.InputError` when the directory does not hold a run.
    """
    return _write(directory.load(path), {})


def write_public(path: Path) -> WrittenReports:
    """Write the reports of a run as anyone may see it into its folder ``public``, anew, with the records
    they were made of, and the reproducers of findings that are public.  Raises as :func:`write_reports`
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
    written = _write(shown, records)
    copied = [
        copy
        for finding in shown.findings
        for name in finding.reproducers.values()
        if (copy := _copied(path / "findings" / finding.id / name, home / "findings" / finding.id))
        is not None
    ]
    return WrittenReports((*written.files, *copied), written.failures)


def _copied(file: Path, folder: Path) -> Path | None:
    """A file in another folder; None where it is not there or no plain file of its own."""
    if not file.is_file() or file.is_symlink():
        return None
    return Path(shutil.copy(file, folder / file.name))


def _write(run: RunDirectory, texts: dict[Path, Callable[[], str]]) -> WrittenReports:
    path = run.directory
    texts = texts | {
        path / "junit.xml": lambda: junit.render(run),
        path / "report.ktap": lambda: ktap.render(run),
        path / "summary.md": lambda: step_summary.render(run),
        path / "findings.csv": lambda: findings_csv.render(run.findings),
    }
    for finding in run.findings:
        texts[path / "findings" / finding.id / "report.md"] = partial(markdown.render, finding)
    if run.summary.precision:
        texts[path / "precision.csv"] = lambda: precision.as_csv(run.summary.precision)
    files: list[Path] = []
    failures: list[str] = []
    for file, render in texts.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(render(), encoding="utf-8")
            files.append(file)
        except Exception as error:
            failures.append(f"{file.relative_to(path)}: {type(error).__name__}: {error}")
    return WrittenReports((*_pages(run, failures), *files), tuple(failures))


def _pages(run: RunDirectory, failures: list[str]) -> list[Path]:
    try:
        return html.write(run, failures)
    except Exception as error:
        failures.append(f"index.html: {type(error).__name__}: {error}")
        return []
