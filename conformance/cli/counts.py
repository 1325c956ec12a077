"""``veridiff counts``: what many runs judged together."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from conformance.campaign import counts as counting
from conformance.cli.options import json_option


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def counts(file: Path, as_json: bool) -> int:
    """Add up what `run --count-into FILE` noted: programs judged per kernel and property, and accusations."""
    totals = counting.add_up(counting.load(file))
    if as_json:
        click.echo(msgspec.json.encode(totals))
    else:
        click.echo(counting.as_markdown(totals), nl=False)
    return 0
