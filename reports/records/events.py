"""What a run tells while it goes on: every report and every progress display is a handler of these."""

from __future__ import annotations

import msgspec

from reports.records.finding import Finding
from reports.records.summary import LossRecord, RunSummary


class ProgramJudged(
    msgspec.Struct, frozen=True, tag_field="event", tag="program", kw_only=True, omit_defaults=True
):
    """One program on one kernel.  ``microseconds`` is guest time in BPF_PROG_LOAD; the counts are the
    kernel's own."""

    name: str
    kernel: str
    verdict: str
    file: str = ""
    program_type: str = ""
    instructions: int = 0
    microseconds: int = 0
    processed: int | None = None
    total_states: int | None = None
    peak_states: int | None = None
    max_states_per_insn: int | None = None
    jited_length: int = 0
    """In bytes."""


class FindingFound(msgspec.Struct, frozen=True, tag_field="event", tag="finding"):
    """A confirmed disagreement, already stored."""

    finding: Finding


class VmLost(msgspec.Struct, frozen=True, tag_field="event", tag="vm_lost"):
    """A virtual machine went away."""

    loss: LossRecord


class Progress(msgspec.Struct, frozen=True, tag_field="event", tag="progress", kw_only=True):
    """Where the run is.  ``seconds_left`` is None when it is bounded by examples."""

    programs: int
    accepted: int
    findings: int
    programs_per_second: float
    seconds: float
    seconds_left: float | None = None
    objects: int = 0


class RunEnded(msgspec.Struct, frozen=True, tag_field="event", tag="ended"):
    """The last event."""

    summary: RunSummary


Event = ProgramJudged | FindingFound | VmLost | Progress | RunEnded
