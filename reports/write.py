"""All reports of a finished run, side by side in its directory."""

from __future__ import annotations

from pathlib import Path

from reports import csv, directory, html, junit, ktap, markdown, precision


def write_reports(path: Path) -> list[Path]:
    """Writes index.html with its pages, junit.xml, report.ktap, veristat-KERNEL.csv, precision.csv, one
    findings/ID/report.md each.

    Returns the files, index.html first.  Raises :class:`ebpf.errors.InputError` when the directory does not
    hold a run.
    """
    run = directory.load(path)
    texts = {path / "junit.xml": junit.render(run), path / "report.ktap": ktap.render(run)}
    texts |= {
        path / f"veristat-{_file_name(kernel)}.csv": csv.render(rows)
        for kernel, rows in csv.by_kernel(run.programs).items()
    }
    texts |= {
        path / "findings" / finding.id / "report.md": markdown.render(finding) for finding in run.findings
    }
    if run.summary.precision:
        texts[path / "precision.csv"] = precision.as_csv(run.summary.precision)
    written = html.write(run)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    return [*written, *texts]


def _file_name(kernel: str) -> str:
    """A kernel's name (it may be a path) as part of a file's name."""
    return "".join(
        character if character.isalnum() or character in ".+-~" else "_" for character in kernel
    ).strip("_.")
