"""What the index page shows, from a run: the ordering and the sentences, so that the template only lays
out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ebpf.wording import amount
from reports import precision
from reports.directory import RunDirectory
from reports.groups import grouped, kernels_asked
from reports.records import Cell, CellState, FormCount, GapCount, ProgramCounts
from reports.text import duration, number, percent

_MESSAGES = 40
_REJECTIONS = "Of programs meant to be valid that the kernel refused."
_GAPS = "Safe programs refused that no older kernel accepts: counted, not findings."
_OPEN = "Why a program is neither safe nor unsafe to it: what is not modelled, or a budget."


def context(run: RunDirectory) -> dict[str, Any]:
    """The template's variables."""
    summary = run.summary
    kinds = list(dict.fromkeys(cell.kind for cell in summary.cells))
    new, known = grouped(run.new), grouped(run.known)
    return {
        "run": run,
        "new_groups": new,
        "known_groups": known,
        "kernels_asked": kernels_asked([*new, *known]),
        "summary": summary,
        "headline": headline(run),
        "short": [cell for cell in summary.cells if cell.state is CellState.BELOW_FLOOR],
        "kinds": kinds,
        "found": _found(run),
        "matrix": _matrix(summary.cells, kinds),
        "abstentions": [
            (cell.kernel, cell.kind, reason, count)
            for cell in summary.cells
            for reason, count in sorted(cell.abstained.items(), key=lambda item: -item[1])
        ],
        "tiles": _tiles(summary.programs),
        "productions": sorted(
            summary.productions, key=lambda row: (row.accepted / row.used if row.used else 2, row.name)
        ),
        "forms": _forms(summary.forms),
        "form_kernels": list(dict.fromkeys(row.kernel for row in summary.forms)),
        "precision_kernels": precision.kernels(summary),
        "precision_rows": precision.rows(summary),
        "precision_level": precision.level,
        "precision_widest": precision.widest,
        "cost": [(int(limit), count) for limit, count in summary.reference.milliseconds.items()],
        "messages": [
            ("First rejection messages", "rejections", _top(summary.rejections), _REJECTIONS),
            ("Gaps", "gaps", [(_describe(gap), gap.programs) for gap in summary.gaps[:_MESSAGES]], _GAPS),
            ("Left open by the reference verifier", "open", _top(summary.reference.open), _OPEN),
        ],
    }


def _forms(rows: Iterable[FormCount]) -> list[tuple[str, dict[str, FormCount]]]:
    """By form, its counts by kernel: what was executed least comes first."""
    found: dict[str, dict[str, FormCount]] = {}
    for row in rows:
        found.setdefault(row.form, {})[row.kernel] = row
    return sorted(found.items(), key=lambda item: (min(row.jit for row in item[1].values()), item[0]))


def headline(run: RunDirectory) -> str:
    """The run in one sentence."""
    new = len(run.new)
    found = f"{new} new finding{'' if new == 1 else 's'}" if new else "Nothing new"
    known = f", {len(run.known)} known" if run.known else ""
    kernels = len(
        {cell.kernel for cell in run.summary.cells} | {kernel.name for kernel in run.summary.kernels}
    )
    where = f" on {kernels} kernel{'' if kernels == 1 else 's'}" if kernels else ""
    return f"{found}{known}: {_judged(run.summary.programs)} judged{where} in {duration(run.summary.seconds)}"


def _judged(programs: ProgramCounts) -> str:
    counts = [amount(programs.judged, "program")] if programs.judged or not programs.objects else []
    return " and ".join([*counts, *([amount(programs.objects, "object")] if programs.objects else [])])


def _matrix(cells: tuple[Cell, ...], kinds: list[str]) -> list[tuple[str, list[Cell | None]]]:
    table = {(cell.kernel, cell.kind): cell for cell in cells}
    kernels = dict.fromkeys(cell.kernel for cell in cells)
    return [(kernel, [table.get((kernel, kind)) for kind in kinds]) for kernel in kernels]


def _found(run: RunDirectory) -> dict[tuple[str, str], tuple[int, int]]:
    """By kernel and kind: how many findings are new, and how many known."""
    keys = {(finding.kernel, finding.kind) for finding in run.findings}
    return {
        key: (
            sum((finding.kernel, finding.kind) == key for finding in run.new),
            sum((finding.kernel, finding.kind) == key for finding in run.known),
        )
        for key in keys
    }


def _tiles(programs: ProgramCounts) -> list[tuple[str, str]]:
    return [
        (number(programs.judged), "programs judged"),
        (percent(programs.distinct, programs.judged), "distinct, up to register names"),
        (percent(programs.accepted, programs.judged), "accepted"),
        (
            percent(programs.meant_valid_accepted, programs.meant_valid),
            f"accepted, of {number(programs.meant_valid)} meant valid",
        ),
        (
            percent(programs.near_misses_refused, programs.near_misses),
            f"refused of {number(programs.near_misses)} near misses",
        ),
        (number(programs.mutations), "with a field changed at random"),
        (percent(programs.unprivileged, programs.judged), "loaded unprivileged"),
        (number(programs.median_instructions), "instructions, median"),
        (number(programs.median_processed), "processed by the kernel, median"),
        (number(programs.objects), "objects put to libbpf"),
        (percent(programs.objects_broken, programs.objects), "of them with a field broken"),
    ]


def _describe(gap: GapCount) -> str:
    notes = [f"fixed in {gap.fixed_in}"] * bool(gap.fixed_in) + ["ranges prove it"] * gap.proven
    return gap.message + (f" ({', '.join(notes)})" if notes else "")


def _top(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MESSAGES]
