"""What a run leaves behind: findings, a summary, and the events it went through.  Frozen values that read and
write as JSON.

Files of a run's directory: ``run.json`` (:class:`RunSummary`), ``findings.jsonl`` (one :class:`Finding` a
line), ``programs.jsonl`` (:class:`ProgramJudged`, where the run kept them).
"""

from reports.records.events import Event, FindingFound, ProgramJudged, Progress, RunEnded, VmLost
from reports.records.finding import (
    Finding,
    FindingKind,
    KernelVerdict,
    ListingRow,
    Provenance,
    Reproduced,
    Severity,
    Status,
)
from reports.records.object import ObjectEvidence
from reports.records.precision import VIEWS, PrecisionRow
from reports.records.summary import (
    Cell,
    CellState,
    KernelRun,
    LossRecord,
    ProductionCount,
    ProgramCounts,
    RunSummary,
    SecondOpinion,
)

__all__ = [
    "VIEWS",
    "Cell",
    "CellState",
    "Event",
    "Finding",
    "FindingFound",
    "FindingKind",
    "KernelRun",
    "KernelVerdict",
    "ListingRow",
    "LossRecord",
    "ObjectEvidence",
    "PrecisionRow",
    "ProductionCount",
    "ProgramCounts",
    "ProgramJudged",
    "Progress",
    "Provenance",
    "Reproduced",
    "RunEnded",
    "RunSummary",
    "SecondOpinion",
    "Severity",
    "Status",
    "VmLost",
]
