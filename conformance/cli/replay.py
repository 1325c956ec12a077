"""``veridiff replay``: does a finding still show?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import msgspec

from conformance.cli.options import against_option, boot_option, images, json_option, kernel_option
from conformance.kernel.session import KernelSession
from conformance.observing.door import Door, Untold
from conformance.observing.replaying import read, restore
from conformance.observing.siblings import Siblings, names_of

COULD_NOT_TELL = 3


@click.command()
@click.argument("finding", type=click.Path(path_type=Path))
@kernel_option
@boot_option
@against_option
@click.option("--times", type=click.IntRange(min=1), default=3, show_default=True, help="How often to try.")
@json_option
def replay(
    finding: Path,
    kernels: tuple[str, ...],
    boot_args: tuple[str, ...],
    against: tuple[str, ...],
    times: int,
    as_json: bool,
) -> int:
    """Show a finding again: a findings/ID directory, or its finding.json.

    The kernel is the one it was found on, with the same boot arguments, unless others are named. Exit status:
    1 when it still shows, 0 when not, 3 when that could not be told.
    """
    record = read(finding)
    show_again = restore(record)
    results = []
    for image in images(kernels, record.kernel):
        others = (name for name in names_of(against) if name != image.name)
        with (
            KernelSession.open(image, boot_args or record.boot_args) as session,
            closing(Siblings(others)) as siblings,
        ):
            door = Door.of_session(session, siblings)
            shown = told = 0
            statement = reason = ""
            for _ in range(times):
                again = show_again(door)
                if isinstance(again, Untold):
                    reason = again.reason
                    continue
                told += 1
                if again is not None:
                    shown, statement = shown + 1, again.disagreement.statement
        results.append(
            {
                "kernel": image.name,
                "shown": shown,
                "times": times,
                "told": told,
                "statement": statement,
                "reason": reason,
            }
        )
        if not as_json:
            click.echo(
                f"{image.name}: shows {shown} of {times} times"
                + (f": {statement}" if statement else "")
                + (f"; {times - told} times that could not be told: {reason}" if reason else "")
            )
    if as_json:
        click.echo(
            msgspec.json.encode({"finding": record.id, "signature": record.signature, "kernels": results})
        )
    if any(result["shown"] for result in results):
        return 1
    return COULD_NOT_TELL if any(result["told"] != result["times"] for result in results) else 0
