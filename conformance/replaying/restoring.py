"""Restoring: what a stored finding asks of a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from conformance.kernel.jobs import Lost
from conformance.kernel.peer import PEERS, Peer
from conformance.observing.door import Door, ObjectSighting, Sighting, Untold, question_of
from conformance.observing.question import Question
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.errors import InputError
from ebpf.intent import Intent
from ebpf.rules import RULES
from ebpf.signature import Sameness, Signature
from generators.objects import ObjectFile
from generators.programs import Generated, Purpose
from reports.records import Finding, ObjectEvidence, Right
from reports.reproducers.judging import right_of


@dataclass(frozen=True, slots=True)
class Said:
    """A kernel's verdict on the program of a finding, in the words of reports."""

    verdict: str = ""
    """Empty where it is not about a program."""
    message: str = ""


class Restored(Protocol):
    """A finding that can be asked about."""

    def show(self, door: Door) -> Sighting | ObjectSighting | Untold | None:
        """The same disagreement once more, None where it is gone, or why that could not be told.

        Raises :class:`ebpf.errors.InfrastructureError` where a peer gives no answer.
        """

    def verdict(self, door: Door) -> Said:
        """What the kernel says of the program, which is not run."""


@dataclass(frozen=True, slots=True)
class RestoredProgram:
    """A finding about a program."""

    question: Question
    signature: Signature
    sameness: Sameness
    right: Right

    def show(self, door: Door) -> Sighting | Untold | None:
        """By the same question."""
        return door.again(self.question, self.signature, self.sameness, self.right)

    def verdict(self, door: Door) -> Said:
        """By loading it."""
        observation = door.observe(self.question.without_runs())
        if isinstance(observation, Lost):
            return Said("lost", observation.reason.value)
        ruling = observation.ruling
        return Said(ruling.verdict.value, ruling.message or ruling.reason)


@dataclass(frozen=True, slots=True)
class RestoredObject:
    """A finding about an ELF object."""

    peer: Peer
    file: ObjectFile
    signature: Signature

    def show(self, door: Door) -> ObjectSighting | Untold | None:
        """By the same peer."""
        return door.object_again(self.peer, self.file, self.signature)

    def verdict(self, door: Door) -> Said:
        """None: it is the peer's that counts."""
        return Said()


def read(path: Path) -> Finding:
    """The record at ``path``.  Raises :class:`InputError` naming the file and the reason."""
    file = path / "finding.json" if path.is_dir() else path
    try:
        content = file.read_bytes()
        return msgspec.json.decode(content, type=Finding)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        if b'"veridiff-case/1"' in content[:400]:
            raise InputError(f"{file}: a case, not a finding: veridiff check asks about those") from None
        raise InputError(f"{file}: {error}") from None


def restore(record: Finding) -> Restored:
    """What shows a finding again.  Raises :class:`InputError` where this version cannot."""
    signature = record.bug
    if signature is None or signature.kind not in PROPERTIES:
        raise InputError(f"finding {record.id}: {record.signature!r} is not known to this version")
    if record.object is not None:
        return _restore_object(record, signature, record.object)
    row = PROPERTIES[signature.kind]
    # A culprit that was found by trials is not sought again: the engine that is wrong must be the same.
    sameness = Sameness.ANY_CULPRIT if row.localises else Sameness.WHOLE
    return RestoredProgram(question_of(row, restore_program(record)), signature, sameness, right_of(record))


def restore_program(record: Finding) -> Generated:
    """The program as properties want it, with what it breaks on purpose where it is a near miss."""
    case = casefile.from_plain(record.case, f"finding {record.id}")
    if record.intent is None:
        return Generated(case, Purpose.DARING)
    if record.intent.rule not in RULES:
        raise InputError(f"finding {record.id}: rule {record.intent.rule!r} is not known to this version")
    return Generated(case, Purpose.NEAR_MISS, Intent(RULES[record.intent.rule], record.intent.at))


def _restore_object(record: Finding, signature: Signature, evidence: ObjectEvidence) -> RestoredObject:
    peer = next((peer for peer in PEERS if peer.name == evidence.peer), None)
    if peer is None:
        raise InputError(f"finding {record.id}: peer {evidence.peer!r} is not known to this version")
    return RestoredObject(peer, ObjectFile(evidence.file, evidence.broken, evidence.field), signature)
