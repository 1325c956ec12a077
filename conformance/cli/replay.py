"""``veridiff replay``: do findings still show?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import click
import msgspec

from conformance.cli.options import against_option, boot_option, images, json_option, kernels_option
from conformance.kernel.identity import KernelIdentity
from conformance.observing.siblings import names_of
from conformance.replaying.naming import named
from conformance.replaying.replayed import Replayed, ReplayState
from conformance.replaying.replayer import Replayer
from reports.records import Finding
from reports.text import one_line

STATUS = {ReplayState.STILL: 1, ReplayState.CANNOT_TELL: 3, ReplayState.GONE: 0}
"""The exit status, that of the first that is there."""


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="RUNDIR|ID|FILE...")
@kernels_option("the one that each was found on")
@boot_option
@against_option
@click.option("--times", type=click.IntRange(min=1), default=3, show_default=True, help="How often to try.")
@json_option
def replay(
    what: tuple[str, ...],
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    against: tuple[str, ...],
    times: int,
    as_json: bool,
) -> int:
    """Show findings again: all of a run, one by its id (or the beginning of it), or by its directory or
    finding.json.

    Each is asked of the kernel that it was found on, with the same boot arguments, unless others are named,
    and still shows, is gone, or could not be told. Exit status: 1 when one still shows, else 3 when one could
    not be told, else 0.
    """
    findings = {finding.id: finding for name in what for finding in named(name)}
    chosen = [image.name for image in images(kernels)] if kernels else []
    asked = list(_questions(findings.values(), chosen, boot_args))
    results = []
    with Replayer(names_of(against), times) as replayer:
        for finding, kernel in asked:
            replayed = replayer.ask(finding, kernel)
            results.append(replayed)
            if not as_json:
                click.echo(describe(replayed))
    states = Counter(each.state for each in results)
    if as_json:
        click.echo(msgspec.json.encode([as_plain(each) for each in results]))
    else:
        click.echo(", ".join(f"{states[state]} {state.value}" for state in ReplayState))
    return next((status for state, status in STATUS.items() if states[state]), 0)


def _questions(
    findings: Iterable[Finding], kernels: list[str], boot_args: tuple[str, ...]
) -> Iterator[tuple[Finding, KernelIdentity]]:
    """Which finding is asked of which kernel, kernel by kernel."""
    asked = [
        (finding, KernelIdentity(name, boot_args or finding.boot_args))
        for finding in findings
        for name in kernels or [finding.kernel]
    ]
    order = {kernel: number for number, kernel in enumerate(dict.fromkeys(kernel for _, kernel in asked))}
    yield from sorted(asked, key=lambda pair: order[pair[1]])


def describe(replayed: Replayed) -> str:
    """A line, and below it what showed, or why that could not be told."""
    shown = f"shows {replayed.shown} of {replayed.times} times"
    if replayed.statement:
        shown += f": {one_line(replayed.statement)}"
    lines = [
        f"{replayed.state.value}: {replayed.finding.id} {one_line(replayed.finding.signature)}",
        f"    {replayed.kernel}: {shown}",
    ]
    if untold := replayed.times - replayed.told:
        lines.append(f"    {untold} times that could not be told: {one_line(replayed.reason)}")
    return "\n".join(lines)


def as_plain(replayed: Replayed) -> dict[str, object]:
    """The same for machines."""
    return {
        "finding": replayed.finding.id,
        "signature": replayed.finding.signature,
        "kernel": replayed.kernel.name,
        "boot_args": list(replayed.kernel.boot_args),
        "state": replayed.state.value,
        "shown": replayed.shown,
        "told": replayed.told,
        "times": replayed.times,
        "statement": replayed.statement,
        "reason": replayed.reason,
    }
