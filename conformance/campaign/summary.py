"""A campaign in numbers: from tallies to the records that reports read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.campaign.tally import Tally, median
from conformance.properties import PropertyKind
from reports.records import (
    VIEWS,
    Cell,
    FindingKind,
    KernelRun,
    LossRecord,
    PrecisionRow,
    ProductionCount,
    ProgramCounts,
    RunSummary,
    SecondOpinion,
    Status,
)

if TYPE_CHECKING:
    from conformance.campaign.run import Campaign

FLOORS = {
    PropertyKind.HEALTH: 0.9, PropertyKind.SOUNDNESS: 0.4, PropertyKind.EXECUTION: 0.4,
    PropertyKind.BOUNDS: 0.4, PropertyKind.RULE: 0.05,
    PropertyKind.TRANSFER: 0.05,
    PropertyKind.PRECISION: 0.0, PropertyKind.OBJECTS: 0.8,
}  # fmt: skip
"""Share of a kernel's programs (for objects: of objects put to a peer) that a property must have judged for
"nothing found" to mean anything."""

CLAIMS_SINCE = (6, 1)
"""Older logs are in a dialect whose claims are not read: bounds and transfer abstain by name, and owe
nothing."""


def summarise(campaign: Campaign, because: str) -> RunSummary:
    """The record of ``campaign`` as it stands; ``because`` says why it is not complete, or is empty."""
    total = Tally()
    for tally in campaign.tallies.values():
        total.add(tally)
    statuses = [finding.status for finding in campaign.store.findings().values()]
    elapsed = campaign.elapsed()
    counts = total.counts
    return RunSummary(
        complete=not because,
        incomplete_because=because,
        started=campaign.started,
        seconds=round(elapsed, 3),
        seed=campaign.settings.seed,
        command=campaign.settings.command,
        git=campaign.provenance.git,
        versions=campaign.provenance.versions,
        programs=ProgramCounts(
            judged=counts["judged"],
            accepted=counts["accepted"],
            meant_valid=counts["meant valid"],
            meant_valid_accepted=counts["meant valid accepted"],
            near_misses=counts["near misses"],
            near_misses_refused=counts["near misses refused"],
            distinct=len(total.shapes),
            mutations=counts["daring"],
            unprivileged=counts["unprivileged"],
            objects=counts["objects"],
            objects_broken=counts["objects broken"],
            median_instructions=median(total.lengths),
            median_processed=median(total.processed),
        ),
        kernels=tuple(_kernel(campaign, name, elapsed) for name in campaign.tallies),
        cells=tuple(cell for name in campaign.tallies for cell in _cells(campaign, name)),
        precision=tuple(row for name, tally in campaign.tallies.items() for row in _precision(name, tally)),
        findings_new=statuses.count(Status.NEW),
        findings_known=statuses.count(Status.KNOWN),
        rates={
            "programs per second": round(counts["judged"] / elapsed, 1) if elapsed else 0.0,
            **{
                f"host CPU ms per program: {stage}": round(1e3 * spent / max(1, counts["judged"]), 2)
                for stage, spent in total.seconds.items()
            },
            "guest ms per program in BPF_PROG_LOAD": round(
                counts["guest load microseconds"] / 1e3 / max(1, counts["judged"]), 2
            ),
        },
        losses=tuple(
            LossRecord(kernel=name, reason=reason, in_flight=flying, culprit=culprit, console=console)
            for name, losses in campaign.losses.items()
            for reason, flying, culprit, console in losses
        ),
        productions=tuple(
            ProductionCount(name, used, total.used_accepted[name])
            for name, used in sorted(total.used.items(), key=lambda item: -item[1])
        ),
        rejections=dict(total.rejections.most_common(50)),
        gaps=dict(total.gaps.most_common(50)),
        reference=SecondOpinion(
            safe=counts["reference safe"],
            unsafe=counts["reference unsafe"],
            unknown=counts["reference unknown"],
            milliseconds={
                str(bucket): total.reference_cost[bucket] for bucket in sorted(total.reference_cost)
            },
            open=dict(total.open.most_common(20)),
        ),
        unparsed_log_lines=counts["unparsed log lines"],
    )


def _kernel(campaign: Campaign, name: str, elapsed: float) -> KernelRun:
    reports = [report for (kernel, _), report in campaign.standing.items() if kernel == name]
    counts = campaign.tallies[name].counts
    rate = counts["judged"] / elapsed / len(reports) if reports and elapsed else 0.0
    return KernelRun(
        name=name,
        release=next((r.release for r in reports if r.release), ""),
        accelerator=next((r.accelerator for r in reports if r.accelerator), ""),
        qemu=campaign.provenance.qemu,
        boots=sum(r.boots for r in reports),
        programs=counts["judged"],
        objects=counts["objects"],
        accepted=counts["accepted"],
        load_rate=round(rate, 1),
    )


def _precision(kernel: str, tally: Tally) -> list[PrecisionRow]:
    counts, rows = tally.precision, []
    for operation in sorted({operation for operation, _ in counts}):
        known = {what: count for (name, what), count in counts.items() if name == operation}
        measured = known.get("measured", 0)
        rows.append(
            PrecisionRow(
                kernel=kernel,
                operation=operation,
                judged=known["judged"],
                decided=known["decided"],
                measured=measured,
                open=known.get("open", 0),
                tight=known.get("tight", 0),
                excess={view: round(known.get(view, 0) / measured, 3) for view in VIEWS} if measured else {},
            )
        )
    return rows


def _cells(campaign: Campaign, name: str) -> list[Cell]:
    tally = campaign.tallies[name]
    release = next(
        (r.release for (kernel, _), r in campaign.standing.items() if kernel == name and r.release), ""
    )
    return [
        Cell(
            kernel=name,
            kind=FindingKind(kind.value),
            judged=tally.cells[kind, "judged"],
            agreed=tally.cells[kind, "agreed"],
            disagreements=tally.cells[kind, "disagreed"],
            floor=_floor(kind, tally, release),
            abstained={reason: count for (k, reason), count in tally.abstained.items() if k is kind},
        )
        for kind in campaign.settings.kinds
    ]


def _floor(kind: PropertyKind, tally: Tally, release: str) -> int:
    numbers = release.split(".")[:2]
    old = len(numbers) == 2 and all(n.isdigit() for n in numbers) and tuple(map(int, numbers)) < CLAIMS_SINCE
    if kind in (PropertyKind.BOUNDS, PropertyKind.TRANSFER) and old:
        return 0
    return max(
        1,
        int(
            FLOORS[kind] * tally.counts["objects put to a peer" if kind is PropertyKind.OBJECTS else "judged"]
        ),
    )
