"""``veridiff run``: a campaign."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
import time
from pathlib import Path

import click
import msgspec

from conformance.cli.options import boot_option, images, json_option, kernel_option
from conformance.cli.progress import Display
from conformance.kernel.peer import PEERS, executable
from conformance.properties import PropertyKind
from ebpf.errors import VeridiffError
from reports.records import CellState, RunSummary

KINDS = [kind.value for kind in PropertyKind]


@click.command()
@kernel_option
@boot_option
@click.option(
    "--property",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
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
@json_option
def run(
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    kinds: tuple[str, ...],
    minutes: float | None,
    examples: int | None,
    seed: int | None,
    workers: int | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Look for disagreements on one or more kernels.

    Exit status: 0 nothing new and enough judged, 1 new disagreements, 2 usage, 3 not enough could be judged.
    """
    from conformance.campaign.run import Campaign, Settings  # Hypothesis and all: not needed to print usage

    if minutes is not None and examples is not None:
        raise click.UsageError("--minutes and --examples exclude each other")
    chosen = images(kernels)
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    directory = out or Path("veridiff-out") / time.strftime("%Y%m%d-%H%M%S")
    cpus = len(os.sched_getaffinity(0))
    settings = Settings(
        images=chosen,
        kinds=kinds_to_judge(tuple(map(PropertyKind, kinds))),
        directory=directory,
        command=shlex.join(["veridiff", *sys.argv[1:]]),
        seed=seed,
        workers=workers or max(1, cpus // len(chosen)),
        seconds=None if examples else 60 * (minutes or 10.0),
        examples=examples,
        boot_args=boot_args,
    )
    display = Display(settings, quiet=as_json)
    campaign = Campaign(settings, display.progress)
    campaign.create()
    with display:
        summary = campaign.run()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(summary), indent=2))
    else:
        display.result(summary)
    return status(summary)


def kinds_to_judge(named: tuple[PropertyKind, ...]) -> tuple[PropertyKind, ...]:
    """Those named, or all; objects only if named where libbpf is not to be had.  Raises as
    :func:`conformance.kernel.peer.executable` does."""
    wanted = named or tuple(PropertyKind)
    if PropertyKind.OBJECTS not in wanted:
        return wanted
    try:
        for peer in PEERS:
            executable(peer)
    except VeridiffError as error:
        if named:
            raise
        click.echo(f"veridiff: objects are not judged: {error}", err=True)
        return tuple(kind for kind in wanted if kind is not PropertyKind.OBJECTS)
    return wanted


def status(summary: RunSummary) -> int:
    """The exit status a summary stands for."""
    if summary.findings_new:
        return 1
    enough = all(cell.state is not CellState.BELOW_FLOOR for cell in summary.cells)
    judged = all(kernel.programs or kernel.objects for kernel in summary.kernels)
    return 0 if enough and judged and (summary.complete or summary.incomplete_because == "interrupted") else 3
