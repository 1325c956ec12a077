"""``veridiff bisect``: on which kernels a finding shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from conformance.cli import inputs
from conformance.cli.options import against_option, json_option
from conformance.kernel.identity import KernelIdentity
from conformance.kernel.images import by_age, resolve
from conformance.kernel.jobs import KernelVerdict
from conformance.observing.siblings import names_of
from conformance.replaying import naming
from conformance.replaying.bisection import bisect, extent
from conformance.replaying.replayed import Replayed, ReplayState, with_verdict
from conformance.replaying.replayer import Replayer
from conformance.replaying.ruled import rule
from ebpf.errors import InputError
from reports.records import Finding

ALL = "debian:*"
WORDS = {
    ReplayState.STILL: "affected",
    ReplayState.GONE: "not affected",
    ReplayState.CANNOT_TELL: "cannot tell",
}


@click.command("bisect")
@click.argument("what", metavar="FINDING|CASE")
@click.option(
    "--among",
    multiple=True,
    metavar="NAME|GLOB",
    help=f"The kernels to choose from. Repeatable. [default: {ALL}, all that apt offers]",
)
@click.option(
    "--accepted",
    is_flag=True,
    help="Of a case: affected are kernels that accept it. [default: that refuse it]",
)
@against_option
@json_option
def bisect_command(
    what: str, among: tuple[str, ...], accepted: bool, against: tuple[str, ...], as_json: bool
) -> int:
    """Find the first and the last kernel that a finding shows on; of a case file, that refuse it.

    Both ends of every series are asked, and the middle where they differ. What a finding of a run is found
    on goes into its records and pages. Exit status: 0 when some kernel is affected, 1 when none is, 3 when
    none could tell.
    """
    names = by_age(dict.fromkeys(name for pattern in among or (ALL,) for name in resolve(pattern)))
    said: dict[str, tuple[str, str]] = {}

    def shown(name: str, state: ReplayState, verdict: str, message: str) -> ReplayState:
        said[name] = verdict, message
        if not as_json:
            click.echo(f"  {name:<28} {WORDS[state]:<13} {verdict:<8} {message}".rstrip())
        return state

    if is_case(Path(what)):
        told = bisect(names, _case_asker(Path(what), accepted, shown))
    else:
        finding, run = naming.one(what)
        others = names_of(against)
        with Replayer(others) as replayer:
            replays: list[Replayed] = []
            told = bisect(names, _finding_asker(finding, replayer, replays, shown))
        if run is not None:
            _keep(finding, replays, run)
    affected = [name for name, state in told.items() if state is ReplayState.STILL]
    if as_json:
        click.echo(msgspec.json.encode(as_plain(told, said, len(names))))
    else:
        for line in describe(told, len(names)):
            click.echo(line)
    if affected:
        return 0
    return 1 if ReplayState.GONE in told.values() else 3


Shown = Callable[[str, ReplayState, str, str], ReplayState]


def _case_asker(file: Path, accepted: bool, shown: Shown) -> Callable[[str], ReplayState]:
    programs = inputs.read(file)
    if len(programs) != 1 or programs[0].source is not None:
        raise InputError(f"{file}: not one bare program, which can be asked about on every kernel")
    case, wanted = programs[0].case, KernelVerdict.ACCEPT if accepted else KernelVerdict.REJECT

    def ask(name: str) -> ReplayState:
        ruled = rule(case, name, wanted)
        return shown(name, ruled.state, ruled.verdict, ruled.message)

    return ask


def _finding_asker(
    finding: Finding, replayer: Replayer, replays: list[Replayed], shown: Shown
) -> Callable[[str], ReplayState]:
    def ask(name: str) -> ReplayState:
        boot_args = finding.boot_args if name == finding.kernel else ()
        replayed = replayer.ask_with_verdict(finding, KernelIdentity(name, boot_args))
        replays.append(replayed)
        record = replayed.record
        return shown(name, replayed.state, record.verdict, record.message)

    return ask


def _keep(finding: Finding, replays: list[Replayed], run: Path) -> None:
    """Put what was asked into the records and the pages of the run."""
    from conformance.campaign.events import FindingMade
    from conformance.campaign.store import Store
    from reports.write import write_reports

    for replayed in replays:
        finding = with_verdict(finding, replayed)
    Store(run).handle(FindingMade(finding))
    write_reports(run)


def is_case(path: Path) -> bool:
    """Whether a file is a program, and no finding's record."""
    if not path.is_file():
        return False
    return path.suffix != ".json" or b'"veridiff-finding/1"' not in path.read_bytes()[:400]


def describe(told: dict[str, ReplayState], offered: int) -> list[str]:
    """What it came to, in pieces, and the first and the last that are affected."""
    affected = [name for name, state in told.items() if state is ReplayState.STILL]
    lines = [
        f"{WORDS[state]}: {first}" + (f" to {last}" if last != first else "")
        for first, last, state in extent(told)
    ]
    if affected:
        lines += [f"first affected: {affected[0]}", f"last affected: {affected[-1]}"]
    return [*lines, f"asked {len(told)} of {offered} kernels"]


def as_plain(
    told: dict[str, ReplayState], said: dict[str, tuple[str, str]], offered: int
) -> dict[str, object]:
    """The same for machines."""
    affected = [name for name, state in told.items() if state is ReplayState.STILL]
    return {
        "first_affected": affected[0] if affected else None,
        "last_affected": affected[-1] if affected else None,
        "offered": offered,
        "kernels": [
            {"kernel": name, "state": state.value, "verdict": said[name][0], "message": said[name][1]}
            for name, state in told.items()
        ],
    }
