"""A finding: one confirmed disagreement with all that is needed to believe it and to see it again."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import msgspec

from ebpf.signature import Signature
from reports.records.object import ObjectEvidence
from reports.records.right import Right


class Severity(Enum):
    """How bad it is for somebody who runs that kernel; the members are in order, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


SEVERITIES = {
    Severity.CRITICAL: "a program that breaks a safety rule is accepted",
    Severity.HIGH: "a result or a claim is wrong: what relies on it may be unsafe",
    Severity.MEDIUM: "the kernel complains about itself, or refuses what it should take",
    Severity.LOW: "two answers differ without harm",
}
"""What each means, in a page's words."""


class Status(Enum):
    """Whether somebody knew before this run."""

    NEW = "new"
    KNOWN = "known"


class ListingRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One instruction of the program.  ``index`` is its slot number; the three opinions are texts, None where
    there is none.

    ``claim`` is what the kernel's log says of the registers it touches, ``value`` what they held in the
    witness run, ``reference`` what the reference verifier knows of them.  ``note`` says, on the culprit's
    row, what is wrong there.
    """

    index: int
    text: str
    claim: str | None = None
    value: str | None = None
    reference: str | None = None
    culprit: bool = False
    note: str = ""


class VerdictRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one kernel said of the program: accept, reject, none, lost or unsupported, and its message."""

    kernel: str
    verdict: str
    message: str = ""
    release: str = ""
    shows: str = ""
    """Whether the finding shows there: "still", "gone" or "cannot tell"; empty where that was not asked."""


class Pruned(msgspec.Struct, frozen=True):
    """The kernel found the state before instruction ``at`` covered by one that it had explored; ``line`` of
    its log, from 1, says so."""

    at: int
    line: int


class Left(msgspec.Struct, frozen=True):
    """What an engine left in the place where engines differ, and whether it is the one that is wrong."""

    engine: str
    place: str
    value: str
    wrong: bool


class IntentRecord(msgspec.Struct, frozen=True):
    """The rule that a near miss breaks, by name, and the slot of the instruction that does."""

    rule: str
    at: int


class Reproduced(msgspec.Struct, frozen=True):
    """It showed ``times`` of ``attempts`` times."""

    times: int
    attempts: int


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who produced this, with what, when.  ``versions`` is name → version of all that had a say; ``date`` is
    ISO 8601 in UTC."""

    versions: dict[str, str]
    seed: int | None
    """None where it is withheld."""
    command: str
    date: str
    git: str = ""
    kernel_release: str = ""
    qemu: str = ""
    accelerator: str = ""
    compiler: str = ""
    """The command that builds C programs for the kernel's architecture."""
    machine: str = ""
    """The emulator's command line, with words in capitals for the files."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A confirmed disagreement.

    ``statement`` is one sentence.  ``signature`` is the key under which two findings are the same bug.
    ``kernel`` is the one it was found on.  Either ``case`` is a ``veridiff-case/1`` object, and ``witness``
    the index of the input in it that shows the fault; or ``object`` is what it is about. ``should_accept`` is
    the verdict a right kernel would give, None where the verdict is not the matter, and ``expected_return``
    the right 32-bit result of the witness run.  ``known_as`` names the known-issues entry. ``reproducers`` is
    a name (c, selftest, hex, case, ...) → file, relative to the finding's directory.
    """

    format: Literal["veridiff-finding/1"] = "veridiff-finding/1"
    id: str
    kind: str
    """The property that was violated."""
    statement: str
    severity: Severity
    signature: str
    kernel: str
    provenance: Provenance
    bug: Signature | None = None
    """``signature`` in its parts."""
    case: dict[str, Any] | None = None
    intent: IntentRecord | None = None
    """What the program breaks on purpose, where it is a near miss."""
    object: ObjectEvidence | None = None
    boot_args: tuple[str, ...] = ()
    """Added to the kernel's command line when it was found."""
    status: Status = Status.NEW
    known_as: str = ""
    explanation: str = ""
    public: bool = False
    """Whether all of it may be shown to anyone; of others, only kind, kernel and signature may."""
    listing: tuple[ListingRow, ...] = ()
    witness: int | None = None
    outcome: str = ""
    should_accept: bool | None = None
    expected_return: int | None = None
    right: Right | None = None
    """What a right kernel does, for reproducers; None in records made before that was kept."""
    pruned: Pruned | None = None
    """Where the kernel stopped following the witness run, so that it claims no more; None where it did
    not."""
    left: tuple[Left, ...] = ()
    """Per engine, where engines disagree."""
    log: str = ""
    verdicts: tuple[VerdictRecord, ...] = ()
    reproduced: Reproduced | None = None
    reproducers: dict[str, str] = {}
    reproducer_failures: dict[str, str] = {}
    """Reproducers that could not be written: kind → why."""
    same_as: str = ""
    """The id of the finding that this one, once shrunk, turned out to be; such records are not shown."""
