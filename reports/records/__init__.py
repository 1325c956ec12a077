"""What a run leaves behind: findings and a summary.  Frozen values that read and write as JSON.

Files of a run's directory: ``run.json`` (:class:`RunSummary`), ``findings.jsonl`` (one :class:`Finding` a
line; the last line of an id counts).
"""

from reports.records.finding import (
    SEVERITIES,
    Finding,
    IntentRecord,
    Left,
    ListingRow,
    Provenance,
    Pruned,
    Reproduced,
    Severity,
    Status,
    VerdictRecord,
)
from reports.records.object import ObjectEvidence
from reports.records.precision import VIEWS, PrecisionRow
from reports.records.progress import Progress
from reports.records.reach import Acceptance, KernelOffer, KernelReach, MissCount
from reports.records.right import (
    Accepts,
    AloneReturns,
    Holds,
    MapEntry,
    Refuses,
    Returns,
    Right,
    StaysQuiet,
    StoredRegister,
    Untellable,
)
from reports.records.summary import (
    Cell,
    CellState,
    FormCount,
    GapCount,
    KernelRun,
    LossRecord,
    ProductionCount,
    ProgramCounts,
    RunSummary,
    SecondOpinion,
    UnseenIssue,
)

__all__ = [
    "SEVERITIES",
    "VIEWS",
    "Acceptance",
    "Accepts",
    "AloneReturns",
    "Cell",
    "CellState",
    "Finding",
    "FormCount",
    "GapCount",
    "Holds",
    "IntentRecord",
    "KernelOffer",
    "KernelReach",
    "KernelRun",
    "Left",
    "ListingRow",
    "LossRecord",
    "MapEntry",
    "MissCount",
    "ObjectEvidence",
    "PrecisionRow",
    "ProductionCount",
    "ProgramCounts",
    "Progress",
    "Provenance",
    "Pruned",
    "Refuses",
    "Reproduced",
    "Returns",
    "Right",
    "RunSummary",
    "SecondOpinion",
    "Severity",
    "Status",
    "StaysQuiet",
    "StoredRegister",
    "UnseenIssue",
    "Untellable",
    "VerdictRecord",
]
