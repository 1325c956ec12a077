"""``veridiff run``: a campaign."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import sys
import time
from pathlib import Path

import click
import msgspec

from conformance.cli.options import against_option, boot_option, images, json_option, kernel_option
from conformance.cli.progress import Display
from conformance.kernel.peer import PEERS, executable
from conformance.observing.siblings import names_of
from conformance.properties.registry import PROPERTIES
from ebpf.errors import VeridiffError
from reports.records import CellState, RunSummary

INTERRUPTED = 130
"""As shells say it of a command that Ctrl-C ended."""


@click.command()
@kernel_option
@boot_option
@against_option
@click.option(
    "--property",
    "kinds",
    multiple=True,
    type=click.Choice(list(PROPERTIES)),
    help="A kind of disagreement. [default: all]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Time per kernel, from the first program judged. [default: 10]",
)
@click.option("--examples", type=click.IntRange(min=1), help="Programs per kernel, instead of a time.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="The same seed makes the same programs. [default: random, printed]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Virtual machines per kernel. [default: by the number of CPUs]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Directory for the results. [default: veridiff-out/DATE]"
)
@click.option(
    "--count-into",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add a line per kernel to this file: what was judged, and whom it accused (veridiff counts).",
)
@json_option
def run(
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    against: tuple[str, ...],
    kinds: tuple[str, ...],
    minutes: float | None,
    examples: int | None,
    seed: int | None,
    workers: int | None,
    out: Path | None,
    count_into: Path | None,
    as_json: bool,
) -> int:
    """Look for disagreements on one or more kernels.

    Exit status: 0 nothing new and enough judged, 1 new disagreements, 2 usage, 3 not enough could be judged,
    130 interrupted (Ctrl-C or SIGTERM) with nothing new.
    """
    from conformance.campaign.counts import append, counts_of
    from conformance.campaign.run import Campaign, Settings  # Hypothesis and all: not needed to print usage

    if minutes is not None and examples is not None:
        raise click.UsageError("--minutes and --examples exclude each other")
    chosen = images(kernels)
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    directory = out or Path("veridiff-out") / time.strftime("%Y%m%d-%H%M%S")
    cpus = len(os.sched_getaffinity(0))
    settings = Settings(
        images=chosen,
        kinds=kinds_to_judge(kinds),
        directory=directory,
        command=shlex.join(["veridiff", *sys.argv[1:]]),
        seed=seed,
        workers=workers or max(1, cpus // len(chosen)),
        seconds=None if examples else 60 * (minutes or 10.0),
        examples=examples,
        boot_args=boot_args,
        against=names_of(against),
    )
    display = Display(settings, quiet=as_json)
    campaign = Campaign(settings, display.progress)
    campaign.create()
    signal.signal(signal.SIGTERM, _raise_interrupt)
    with display:
        summary = campaign.run()
    for failure in campaign.report_failures:
        click.echo(f"veridiff: a report could not be written: {failure}", err=True)
    if count_into is not None:
        append(count_into, counts_of(summary, campaign.store.findings().values()))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(summary), indent=2))
    else:
        display.result(summary)
    return status(summary)


def kinds_to_judge(named: tuple[str, ...]) -> tuple[str, ...]:
    """Those named, or all; objects only if named where libbpf is not to be had.  Raises as
    :func:`conformance.kernel.peer.executable` does."""
    rows = [row for row in PROPERTIES.values() if not named or row.kind in named]
    if all(row.judge is not None for row in rows):
        return tuple(row.kind for row in rows)
    try:
        for peer in PEERS:
            executable(peer)
    except VeridiffError as error:
        if named:
            raise
        click.echo(f"veridiff: objects are not judged: {error}", err=True)
        return tuple(row.kind for row in rows if row.judge is not None)
    return tuple(row.kind for row in rows)


def _raise_interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def status(summary: RunSummary) -> int:
    """The exit status a summary stands for: new disagreements count whatever else happened."""
    if summary.findings_new:
        return 1
    if summary.incomplete_because == "interrupted":
        return INTERRUPTED
    enough = all(cell.state is not CellState.BELOW_FLOOR for cell in summary.cells)
    judged = all(kernel.programs or kernel.objects for kernel in summary.kernels)
    return 0 if enough and judged and summary.complete else 3
