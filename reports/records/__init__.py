"""What a run leaves behind: findings and a summary.  Frozen values that read and write as JSON.

Files of a run's directory: ``run.json`` (:class:`RunSummary`), ``findings.jsonl`` (one :class:`Finding` a
line; the last line of an id counts).
"""

from reports.records.finding import (
    Finding,
    IntentRecord,
    ListingRow,
    Provenance,
    Reproduced,
    Severity,
    Status,
    VerdictRecord,
)
from reports.records.object import ObjectEvidence
from reports.records.precision import VIEWS, PrecisionRow
from reports.records.progress import Progress
from reports.records.summary import (
    Cell,
    CellState,
    GapCount,
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
    "Finding",
    "GapCount",
    "IntentRecord",
    "KernelRun",
    "ListingRow",
    "LossRecord",
    "ObjectEvidence",
    "PrecisionRow",
    "ProductionCount",
    "ProgramCounts",
    "Progress",
    "Provenance",
    "Reproduced",
    "RunSummary",
    "SecondOpinion",
    "Severity",
    "Status",
    "VerdictRecord",
]
