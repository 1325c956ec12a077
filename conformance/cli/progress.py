"""How a campaign shows itself: a live line on a terminal, a plain one now and then elsewhere, and a summary
at its end."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.table import Table

from ebpf.wording import amount
from reports.directory import RunDirectory
from reports.records import Progress
from reports.text import shortened

if TYPE_CHECKING:
    from conformance.campaign.run import Settings

PLAIN_SECONDS = 10.0
KERNEL_WIDTH = 40
"""Of a table; a longer path is shown without its middle."""


def describe(progress: Progress) -> str:
    """One line: rate, acceptance, findings, time left."""
    parts = []
    if progress.programs or not progress.objects:
        accepted = 100 * progress.accepted / progress.programs if progress.programs else 0.0
        parts = [
            f"{progress.programs} programs",
            f"{progress.programs_per_second:.0f}/s",
            f"{accepted:.0f} % accepted",
        ]
    if progress.objects:
        parts.append(f"{progress.objects} objects")
    parts.append(f"{progress.findings} finding{'' if progress.findings == 1 else 's'}")
    if progress.seconds_left is not None:
        minutes, seconds = divmod(int(progress.seconds_left), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return "  ".join(parts)


class Display:
    """Progress on standard error, so that standard output stays the result's."""

    def __init__(self, settings: Settings, *, quiet: bool = False, public: bool = False) -> None:
        """``public``: the seed, which makes the same programs again, is not shown."""
        self.settings = settings
        self.quiet = quiet
        self.public = public
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.shown = 0.0

    def __enter__(self) -> Self:
        settings = self.settings
        names = ", ".join(image.name for image in settings.images)
        parts = [names, ", ".join(settings.kinds), *([] if self.public else [f"seed {settings.seed}"])]
        parts.append(f"{settings.workers} worker{'s' if settings.workers > 1 else ''}")
        parts.append(f"results in {settings.directory}")
        self.console.print(f"veridiff: {' · '.join(parts)}")
        self.live = self.console.status("booting") if self.console.is_terminal else None
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def progress(self, progress: Progress) -> None:
        """Show where the campaign is."""
        if self.live:
            self.live.update(describe(progress) if progress.programs or progress.objects else "booting")
        elif time.monotonic() - self.shown >= PLAIN_SECONDS:
            self.shown = time.monotonic()
            print(describe(progress), file=sys.stderr, flush=True)

    def say(self, words: str) -> None:
        """What is done once nobody looks for more."""
        if self.live:
            self.live.update(words)
        else:
            print(words, file=sys.stderr, flush=True)

    def result(self, run: RunDirectory) -> None:
        """What it came to."""
        summary = run.summary
        out = Console(highlight=False, soft_wrap=True)
        programs = summary.programs
        if programs.judged or not programs.objects:
            out.print(
                f"{amount(programs.judged, 'program')} in {summary.seconds:.0f} s, "
                f"{programs.distinct} distinct, {programs.accepted} accepted; "
                f"of {programs.meant_valid} meant to be valid "
                f"{_percent(programs.meant_valid_accepted, programs.meant_valid)} accepted; "
                f"median {programs.median_instructions:.0f} instructions"
            )
        if programs.objects:
            seconds = f"{summary.seconds:.0f} s"
            broken = f"{programs.objects_broken} of them with one field broken"
            out.print(f"{amount(programs.objects, 'object')} put to libbpf in {seconds}, {broken}")
        table = Table(box=None, pad_edge=False)
        for heading in ("kernel", "property", "judged", "floor", "agreed", "disagreed"):
            words = heading in ("kernel", "property")
            table.add_column(heading, justify="left" if words else "right", overflow="fold")
        for cell in summary.cells:
            table.add_row(
                shortened(cell.kernel, KERNEL_WIDTH),
                cell.kind,
                *map(str, (cell.judged, cell.floor, cell.agreed, cell.disagreements)),
            )
        out.print(table)
        for loss in summary.losses:
            out.print(
                f"virtual machine lost ({loss.reason}) with {amount(loss.in_flight, 'job')} in flight",
                style="yellow",
            )
        for finding in run.findings:
            style = "dim" if finding.known_as else "bold red"
            status = finding.status.value + (f" ({finding.known_as})" if finding.known_as else "")
            out.print(f"{status}: {finding.kind}: {finding.statement}", style=style, markup=False)
            out.print(f"    {run.directory}/findings/{finding.id}  {finding.signature}", markup=False)
        for issue in summary.unseen_issues:
            out.print(f"known issue {issue.id}: {issue.state} on {issue.kernel}: {issue.note}", markup=False)
        if not summary.complete:
            out.print(f"not complete: {summary.incomplete_because}", style="yellow", markup=False)
        out.print(f"report: {run.directory}/index.html", markup=False)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
