"""``veridiff report`` and ``veridiff compare``: what a finished run says, and how two differ."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from conformance.cli.options import json_option
from reports.directory import load
from reports.precision import text
from reports.records import Finding
from reports.write import write_reports

_directory = click.Path(path_type=Path)


@click.command()
@click.argument("directory", type=_directory)
@json_option
def report(directory: Path, as_json: bool) -> int:
    """Write every report of the run in DIRECTORY again (HTML, JUnit, KTAP, CSV, Markdown), and show its
    precision map."""
    reports = write_reports(directory)
    written = reports.files
    for failure in reports.failures:
        click.echo(f"veridiff: a report could not be written: {failure}", err=True)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([str(path) for path in written])))
    else:
        for path in written:
            click.echo(path)
        table = text(load(directory).summary)
        if table:
            click.echo("\n" + table, nl=False)
    return 0


@click.command()
@click.argument("old", type=_directory)
@click.argument("new", type=_directory)
@json_option
def compare(old: Path, new: Path, as_json: bool) -> int:
    """Compare the findings of two runs: new, fixed, still there. Exit status: 1 when some are new."""
    before, after = ({(f.signature, f.kernel): f for f in load(each).findings} for each in (old, new))
    groups = {
        "new": [f for key, f in after.items() if key not in before],
        "fixed": [f for key, f in before.items() if key not in after],
        "still there": [f for key, f in after.items() if key in before],
    }
    if as_json:
        click.echo(
            msgspec.json.encode({name: [_brief(f) for f in findings] for name, findings in groups.items()})
        )
    else:
        for name, findings in groups.items():
            click.echo(f"{name}: {len(findings)}")
            for finding in findings:
                click.echo(f"  {finding.kernel}  {finding.signature}\n    {finding.statement}")
    return 1 if groups["new"] else 0


def _brief(finding: Finding) -> dict[str, str]:
    return {
        "id": finding.id,
        "kernel": finding.kernel,
        "kind": finding.kind,
        "signature": finding.signature,
        "statement": finding.statement,
    }
