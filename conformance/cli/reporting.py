"""``veridiff report``: what a finished run says."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from conformance.cli.options import json_option
from reports.directory import load
from reports.precision import text
from reports.write import PUBLIC, write_public, write_reports

_directory = click.Path(path_type=Path)


@click.command()
@click.argument("directory", type=_directory)
@click.option(
    "--public",
    is_flag=True,
    help="Write what anyone may see into DIRECTORY/public: of findings that are not public, counts and "
    "signatures.",
)
@click.option(
    "--history",
    "earlier",
    type=_directory,
    multiple=True,
    metavar="DIR",
    help="An earlier run, for history.html: how counts and findings went from run to run. Repeatable.",
)
@json_option
def report(directory: Path, public: bool, earlier: tuple[Path, ...], as_json: bool) -> int:
    """Write every report of the run in DIRECTORY again (HTML, JUnit, KTAP, CSV, Markdown), and show its
    precision map."""
    reports = (write_public if public else write_reports)(directory, earlier)
    written = reports.files
    for failure in reports.failures:
        click.echo(f"veridiff: a report could not be written: {failure}", err=True)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([str(path) for path in written])))
    else:
        for path in written:
            click.echo(path)
        table = text(load(directory / PUBLIC if public else directory).summary)
        if table:
            click.echo("\n" + table, nl=False)
    return 3 if public and reports.failures else 0
