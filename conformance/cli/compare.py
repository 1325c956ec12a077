"""``veridiff compare``: how two runs differ."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from conformance.cli.options import against_option, json_option
from conformance.observing.siblings import names_of
from conformance.replaying.comparing import Change, ComparedFinding
from conformance.replaying.comparing import compare as compare_runs
from conformance.replaying.replayer import Replayer
from reports.directory import load
from reports.records import Status
from reports.text import one_line

_directory = click.Path(path_type=Path)


@click.command()
@click.argument("old", type=_directory)
@click.argument("new", type=_directory)
@against_option
@json_option
def compare(old: Path, new: Path, against: tuple[str, ...], as_json: bool) -> int:
    """Compare the findings of two runs: new, fixed, still there.

    What only one of them drew is replayed on the other's kernel: fixed is what no longer shows there, and no
    new one is what that kernel shows too. Exit status: 1 when something is new that no known issue explains,
    else 3 when some could not be told, else 0.
    """
    before, after = load(old), load(new)
    with Replayer(names_of(against)) as replayer:
        compared = list(compare_runs(before, after, replayer.ask))
    groups = {change: [each for each in compared if each.change is change] for change in Change}
    if as_json:
        plain = {change.value: [as_plain(each) for each in group] for change, group in groups.items()}
        click.echo(msgspec.json.encode(plain))
    else:
        for change, group in groups.items():
            click.echo(f"{change.value}: {len(group)}")
            for each in group:
                click.echo(describe(each))
    if any(each.finding.status is Status.NEW for each in groups[Change.NEW]):
        return 1
    return 3 if groups[Change.UNTOLD] else 0


def describe(compared: ComparedFinding) -> str:
    """Where it was found and what it is, what it rests on, and the disagreement."""
    finding = compared.finding
    known = f"  (known: {finding.known_as})" if finding.known_as else ""
    head = f"  {finding.kernel}  {one_line(finding.signature)}{known}"
    below = (f"    {one_line(text)}" for text in (finding.statement, compared.note) if text)
    return "\n".join([head, *below])


def as_plain(compared: ComparedFinding) -> dict[str, str]:
    """The same for machines."""
    finding = compared.finding
    return {
        "id": finding.id,
        "kernel": finding.kernel,
        "kind": finding.kind,
        "signature": finding.signature,
        "statement": finding.statement,
        "status": finding.status.value,
        "note": compared.note,
    }
