"""A run in numbers: ``run.json``."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import msgspec

from reports.records.precision import PrecisionRow
from reports.records.reach import KernelReach


class CellState(Enum):
    """What a kernel × property cell amounts to."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    BELOW_FLOOR = "below its floor"
    """Too little was judged to call it agreement."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One property on one kernel.  ``abstained`` is a reason → how often; ``floor`` is how many must be
    judged to count."""

    kernel: str
    kind: str
    judged: int
    agreed: int
    disagreements: int
    floor: int
    abstained: dict[str, int] = {}

    @property
    def state(self) -> CellState:
        """Disagreement first: one found counts however little was judged."""
        if self.disagreements:
            return CellState.DISAGREES
        return CellState.AGREES if self.judged >= self.floor else CellState.BELOW_FLOOR


class ProgramCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many programs, of which sort.  ``distinct`` is up to register renaming; medians are over all
    programs."""

    judged: int
    accepted: int
    meant_valid: int
    meant_valid_accepted: int
    near_misses: int
    near_misses_refused: int
    distinct: int
    mutations: int = 0
    unprivileged: int = 0
    objects: int = 0
    """ELF objects put to libbpf, beside the programs; ``objects_broken`` of them with one field broken."""
    objects_broken: int = 0
    median_instructions: float = 0.0
    median_processed: float = 0.0
    """The kernel's count of processed instructions."""


class KernelRun(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel of the run: how it ran and what it did.  ``load_rate`` is in programs per second and virtual
    machine."""

    name: str
    release: str
    accelerator: str
    boot_args: tuple[str, ...] = ()
    """Added to its command line: they make it another kernel, as another image would."""
    qemu: str = ""
    boots: int = 0
    programs: int = 0
    objects: int = 0
    accepted: int = 0
    load_rate: float = 0.0


class LossRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual machine that went away.  ``culprit`` is the case that does it again alone; empty when none in
    flight does."""

    kernel: str
    reason: str
    in_flight: int
    culprit: str = ""
    console: str = ""


class ProductionCount(msgspec.Struct, frozen=True):
    """How often a production of the generator was used in a program meant to be valid, and how many of those
    were accepted."""

    name: str
    used: int
    accepted: int


class FormCount(msgspec.Struct, frozen=True):
    """How many programs executed an instruction form, by each engine of one kernel."""

    kernel: str
    form: str
    jit: int
    interpreter: int


class GapCount(msgspec.Struct, frozen=True):
    """Safe programs that the kernel refused with one message, and none had to accept."""

    message: str
    programs: int
    fixed_in: str = ""
    """The first later series that accepts them, of the kernels that were asked."""
    proven: bool = False
    """Whether intervals and tnums alone prove them safe."""


class SecondOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """What the reference verifier said of the programs it was asked about.

    ``milliseconds``: CPU time per program, rounded up to a power of two → how many programs.  ``open``: why
    it could not tell → how many.
    """

    safe: int = 0
    unsafe: int = 0
    unknown: int = 0
    milliseconds: dict[str, int] = {}
    open: dict[str, int] = {}


class UnseenIssue(msgspec.Struct, frozen=True):
    """A local known issue that a run did not see on a kernel that it is about."""

    id: str
    kernel: str
    state: str
    """"stale": its finding was replayed and is gone; "still": it shows, and was only not drawn; "cannot
    tell"; "not seen": nobody was asked."""
    note: str = ""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run.

    ``started`` is ISO 8601 in UTC, ``seconds`` from the first program judged.  ``complete`` is False when it
    was cut short, and ``incomplete_because`` then says by what.  ``rejections`` is a message → how
    many programs; ``findings_new`` and ``findings_known`` count findings, whose records are in
    ``findings.jsonl``.  ``rates`` are by name, which tells the unit.
    """

    format: Literal["veridiff-run/1"] = "veridiff-run/1"
    complete: bool
    started: str
    seconds: float
    seed: int | None
    """None where it is withheld, and the command with it."""
    command: str
    programs: ProgramCounts
    kernels: tuple[KernelRun, ...] = ()
    cells: tuple[Cell, ...] = ()
    findings_new: int = 0
    findings_known: int = 0
    incomplete_because: str = ""
    git: str = ""
    versions: dict[str, str] = {}
    rates: dict[str, float] = {}
    losses: tuple[LossRecord, ...] = ()
    productions: tuple[ProductionCount, ...] = ()
    rejections: dict[str, int] = {}
    gaps: tuple[GapCount, ...] = ()
    unparsed_log_lines: int = 0
    unseen_issues: tuple[UnseenIssue, ...] = ()
    precision: tuple[PrecisionRow, ...] = ()
    forms: tuple[FormCount, ...] = ()
    reach: tuple[KernelReach, ...] = ()
    reference: SecondOpinion = SecondOpinion()
