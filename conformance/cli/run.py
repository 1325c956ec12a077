"""``veridiff run``: a campaign."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.core import ParameterSource

from conformance.campaign.known import load_local
from conformance.cli.options import against_option, boot_option, images, json_option, kernel_option
from conformance.cli.progress import Display
from conformance.cli.property_option import property_option
from conformance.kernel.architecture import DEFAULT, Architecture
from conformance.kernel.images import resolve
from conformance.kernel.peer import PEERS, executable
from conformance.observing.siblings import names_of
from conformance.properties.registry import PROPERTIES
from ebpf.errors import InputError, VeridiffError
from reports.directory import RunDirectory, load
from reports.records import CellState, RunSummary
from reports.write import PUBLIC, write_public

if TYPE_CHECKING:
    from conformance.campaign.cluster import Cluster
    from conformance.campaign.run import Settings
    from conformance.campaign.state import RunState

INTERRUPTED = 130
"""As shells say it of a command that Ctrl-C ended."""


@click.command()
@kernel_option
@boot_option
@against_option
@property_option
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
    help="Virtual machines under test at a time, over all kernels, which take turns. [default: the number of "
    "CPUs]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Work on the machines of the Dask cluster behind that address (tcp://host:8786), each worker with "
    "one thread; --workers is how many of them. [needs the extra cluster]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Directory for the results. [default: veridiff-out/DATE]"
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Go on with the run in DIR, as it was asked for, where it was cut short.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A run whose findings, and what its kernel shows too, are no news.",
)
@click.option(
    "--known",
    "known_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file of known issues of your own, beside those of this version. Repeatable.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="NAME|PATH",
    help="A kernel, or a glob, to ask about every new finding in the end. Repeatable.",
)
@click.option(
    "--count-into",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add a line per kernel to this file: what was judged, and whom it accused (veridiff counts).",
)
@click.option(
    "--public",
    is_flag=True,
    help="Say here, and write into DIR/public, only what anyone may see; DIR itself stays private.",
)
@json_option
@click.pass_context
def run(
    context: click.Context,
    /,
    out: Path | None,
    resume: Path | None,
    count_into: Path | None,
    public: bool,
    as_json: bool,
    scheduler: str | None,
    **asked: Any,
) -> int:
    """Look for disagreements on one or more kernels.

    Exit status: 0 nothing new and enough judged, 1 new disagreements, 2 usage, 3 not enough could be judged
    or not all that was asked for was done, 130 interrupted (Ctrl-C or SIGTERM) with nothing new.
    """
    from conformance.campaign.counts import append, counts_of
    from conformance.campaign.run import Campaign  # Hypothesis and all: not needed to print usage

    crew = None if scheduler is None else _cluster(scheduler)
    if resume is None:
        if crew is not None:
            asked["workers"] = asked["workers"] or crew.size
        settings, earlier = _settings(out, **asked), None
    else:
        given = [name for name in context.params if _is_given(context, name)]
        if unfit := sorted(set(given) - {"resume", "count_into", "public", "as_json", "scheduler"}):
            raise click.UsageError(f"--resume goes on as the run was asked for: not with {', '.join(unfit)}")
        settings, earlier = _resumed(resume)
    baseline = load(settings.baseline) if settings.baseline is not None else None
    display = Display(settings, quiet=as_json, public=public)
    campaign = Campaign(settings, display.progress, earlier, baseline, display.say, crew)
    campaign.show_unwritten = not public
    campaign.create()
    signal.signal(signal.SIGTERM, _raise_interrupt)
    with display:
        summary = campaign.run()
    if crew is not None:
        crew.close()
    failures, shown = campaign.report_failures, load(settings.directory)
    if public:
        failures = write_public(settings.directory).failures
        shown = load(settings.directory / PUBLIC)
    for failure in failures:
        click.echo(f"veridiff: a report could not be written: {failure}", err=True)
    if count_into is not None:
        append(count_into, counts_of(summary, campaign.store.findings().values()))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(as_plain(shown)), indent=2))
    else:
        display.result(shown)
    return status(summary)


def _settings(
    out: Path | None,
    *,
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    against: tuple[str, ...],
    kinds: tuple[str, ...],
    minutes: float | None,
    examples: int | None,
    seed: int | None,
    workers: int | None,
    baseline: Path | None,
    known_files: tuple[Path, ...],
    also: tuple[str, ...],
) -> Settings:
    from conformance.campaign.run import Settings

    if minutes is not None and examples is not None:
        raise click.UsageError("--minutes and --examples exclude each other")
    chosen = images(kernels)
    architectures = [image.architecture for image in chosen]
    return Settings(
        images=chosen,
        kinds=kinds_to_judge(kinds, architectures),
        directory=out or Path("veridiff-out") / time.strftime("%Y%m%d-%H%M%S"),
        command=shlex.join(["veridiff", *sys.argv[1:]]),
        seed=secrets.randbelow(1 << 32) if seed is None else seed,
        workers=workers or len(os.sched_getaffinity(0)),
        seconds=None if examples else 60 * (minutes or 10.0),
        examples=examples,
        boot_args=boot_args,
        against=names_of(against, architectures),
        also=tuple(dict.fromkeys(name for pattern in also for name in resolve(pattern))),
        baseline=baseline,
        local=tuple(issue for file in known_files for issue in load_local(file)),
    )


def _cluster(address: str) -> Cluster:
    """Raises :class:`ebpf.errors.InfrastructureError` where nobody answers."""
    try:
        from conformance.campaign.cluster import Cluster
    except ImportError as error:
        missing = "--scheduler needs dask.distributed (pip install 'veridiff[cluster]')"
        raise InputError(f"{missing}: {error}") from None
    return Cluster(address)


def _resumed(directory: Path) -> tuple[Settings, RunState]:
    """The settings of an earlier sitting.  Raises :class:`ebpf.errors.InputError` where there is none to be
    taken up."""
    from conformance.campaign import state
    from conformance.campaign.run import Settings

    earlier = state.load(directory)
    plan = earlier.plan
    chosen = images(plan.kernels)
    return Settings(
        images=chosen,
        kinds=kinds_to_judge(plan.kinds, [image.architecture for image in chosen]),
        directory=directory,
        command=plan.command,
        seed=plan.seed,
        workers=plan.workers,
        seconds=plan.seconds,
        examples=plan.examples,
        boot_args=plan.boot_args,
        against=plan.against,
        also=plan.also,
        baseline=Path(plan.baseline) if plan.baseline else None,
        local=plan.issues,
    ), earlier


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def as_plain(run: RunDirectory) -> dict[str, Any]:
    """``run.json``, and the findings in short."""
    plain: dict[str, Any] = msgspec.to_builtins(run.summary)
    return plain | {
        "findings": [
            {
                "id": each.id,
                "status": each.status.value,
                "known_as": each.known_as,
                "kind": each.kind,
                "severity": each.severity.value,
                "kernel": each.kernel,
                "signature": each.signature,
                "statement": each.statement,
                "directory": str(run.directory / "findings" / each.id),
            }
            for each in run.findings
        ]
    }


def kinds_to_judge(
    named: tuple[str, ...], architectures: Iterable[Architecture] = (DEFAULT,)
) -> tuple[str, ...]:
    """Those named, or all that are asked on these architectures; objects only if named where libbpf is not to
    be had.  Raises as :func:`conformance.kernel.peer.executable` does."""
    native = DEFAULT in architectures
    rows = [
        row for row in PROPERTIES.values() if row.kind in named or (not named and (native or not row.native))
    ]
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
