"""All reports of a run, side by side in its directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reports import directory, html, junit, ktap, markdown, precision
from reports.directory import RunDirectory


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """What became of the reports: each is written, or fails, alone."""

    files: tuple[Path, ...]
    """index.html first, where it could be written."""
    failures: tuple[str, ...]
    """One line for each that could not: its name and why."""


def write_reports(path: Path) -> WrittenReports:
    """Write index.html with its pages, junit.xml, report.ktap, precision.csv and one findings/ID/report.md
    each.  The index says what could not be written.

    Raises :class:`ebpf.errors.InputError` when the directory does not hold a run.
    """
    run = directory.load(path)
    texts: dict[Path, Callable[[], str]] = {
        path / "junit.xml": lambda: junit.render(run),
        path / "report.ktap": lambda: ktap.render(run),
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
