"""``veridiff reach``: how much of what its kernels offer a run came by."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from conformance.cli.options import json_option
from ebpf.errors import InputError
from reports.directory import load
from reports.reach import tables, text


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@json_option
def reach(directory: Path, as_json: bool) -> int:
    """Say what the programs of the run in DIRECTORY had in them, of what its kernels offer: program and map
    types, helpers, kernel functions, instructions, rules broken on purpose; and how much was accepted."""
    made = tables(load(directory).summary)
    if not made:
        raise InputError(f"{directory}: the run counted no reach")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(made)))
    else:
        click.echo("\n".join(text(each) for each in made), nl=False)
    return 0
