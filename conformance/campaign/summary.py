"""A campaign in numbers: from tallies to the records that reports read."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.campaign.reach import reach_of
from conformance.campaign.standing import CampaignStanding, KernelStanding
from conformance.campaign.tally import ALONE, DISTINCT_BEFORE, FOREIGN, INTERPRETER, JIT, Tally, median
from conformance.properties.property import Property
from conformance.properties.registry import PROPERTIES
from ebpf.releases import release_key
from reports.records import (
    VIEWS,
    Cell,
    Finding,
    FormCount,
    GapCount,
    KernelRun,
    PrecisionRow,
    ProductionCount,
    ProgramCounts,
    Provenance,
    RunSummary,
    SecondOpinion,
    Status,
)

CLAIMS_SINCE = (6, 1)
"""Older logs are in a dialect whose claims are not read: properties that read them abstain by name, and owe
nothing."""


def summarise(
    kinds: tuple[str, ...],
    standing: CampaignStanding,
    findings: Mapping[str, Finding],
    provenance: Provenance,
    started: str,
    because: str,
    boot_args: tuple[str, ...] = (),
) -> RunSummary:
    """The record of a campaign as it stands; ``because`` says why it is not complete, or is empty."""
    total = Tally()
    for kernel in standing.kernels.values():
        total.add(kernel.tally)
    statuses = [finding.status for finding in findings.values()]
    elapsed = standing.elapsed()
    counts = total.counts
    return RunSummary(
        complete=not because,
        incomplete_because=because,
        started=started,
        seconds=round(elapsed, 3),
        seed=provenance.seed,
        command=provenance.command,
        git=provenance.git,
        versions=provenance.versions,
        programs=ProgramCounts(
            judged=counts["judged"],
            accepted=counts["accepted"],
            meant_valid=counts["meant valid"],
            meant_valid_accepted=counts["meant valid accepted"],
            near_misses=counts["near misses"],
            near_misses_refused=counts["near misses refused"],
            distinct=len(total.shapes) + counts[DISTINCT_BEFORE],
            mutations=counts["daring"],
            unprivileged=counts["unprivileged"],
            objects=counts["objects"],
            objects_broken=counts["objects broken"],
            median_instructions=median(total.lengths),
            median_processed=median(total.processed),
        ),
        kernels=tuple(
            _kernel(name, kernel, boot_args, provenance.qemu) for name, kernel in standing.kernels.items()
        ),
        cells=tuple(
            cell for name, kernel in standing.kernels.items() for cell in _cells(kernel, kinds, name)
        ),
        precision=tuple(
            row for name, kernel in standing.kernels.items() for row in _precision(name, kernel.tally)
        ),
        forms=tuple(row for name, kernel in standing.kernels.items() for row in _forms(name, kernel.tally)),
        reach=tuple(reach_of(name, kernel.tally, kernel.offer) for name, kernel in standing.kernels.items()),
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
        losses=tuple(loss for kernel in standing.kernels.values() for loss in kernel.losses),
        productions=tuple(
            ProductionCount(name, used, total.used_accepted[name])
            for name, used in sorted(total.used.items(), key=lambda item: -item[1])
        ),
        rejections=dict(total.rejections.most_common(50)),
        gaps=tuple(
            GapCount(message, count, fixed_in, proven)
            for (message, fixed_in, proven), count in total.gaps.most_common(50)
        ),
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


def _kernel(name: str, kernel: KernelStanding, boot_args: tuple[str, ...], qemu: str) -> KernelRun:
    counts = kernel.tally.counts
    return KernelRun(
        name=name,
        release=kernel.release,
        accelerator=kernel.accelerator,
        boot_args=boot_args,
        qemu=qemu,
        boots=kernel.boots,
        programs=counts["judged"],
        objects=counts["objects"],
        accepted=counts["accepted"],
        load_rate=round(counts["judged"] / kernel.seconds if kernel.seconds else 0.0, 1),
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


def _forms(kernel: str, tally: Tally) -> list[FormCount]:
    counts = tally.executed
    return [
        FormCount(kernel, form, counts[form, JIT], counts[form, INTERPRETER])
        for form in sorted({form for form, _ in counts})
    ]


def _cells(kernel: KernelStanding, kinds: tuple[str, ...], name: str) -> list[Cell]:
    tally = kernel.tally
    return [
        Cell(
            kernel=name,
            kind=kind,
            judged=tally.cells[kind, "judged"],
            agreed=tally.cells[kind, "agreed"],
            disagreements=tally.cells[kind, "disagreed"],
            floor=_floor(PROPERTIES[kind], tally, kernel.release),
            abstained={reason: count for (k, reason), count in tally.abstained.items() if k == kind},
        )
        for kind in kinds
    ]


def _floor(row: Property, tally: Tally, release: str) -> int:
    if tally.abstained[row.kind, FOREIGN] or tally.abstained[row.kind, ALONE]:
        return 0
    if row.reads_claims and release and release_key(release)[:2] < CLAIMS_SINCE:
        return 0
    return max(1, int(row.floor * tally.counts["objects put to a peer" if row.judge is None else "judged"]))
