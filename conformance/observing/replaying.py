"""Replaying: a finding that was stored, asked about again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from conformance.kernel.peer import PEERS
from conformance.observing.door import Door, ObjectSighting, Sighting, Untold, question_of
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.errors import InputError
from ebpf.intent import Intent
from ebpf.rules import RULES
from ebpf.signature import Sameness, Signature
from generators.objects import ObjectFile
from generators.programs import Generated, Purpose
from reports.records import Finding, ObjectEvidence

ShowAgain = Callable[[Door], Sighting | ObjectSighting | Untold | None]
"""Asks a kernel about a finding once more: the same disagreement, none, or why that could not be told."""


def read(path: Path) -> Finding:
    """The record at ``path``.  Raises :class:`InputError` naming the file and the reason."""
    file = path / "finding.json" if path.is_dir() else path
    try:
        return msgspec.json.decode(file.read_bytes(), type=Finding)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise InputError(f"{file}: {error}") from None


def restore(record: Finding) -> ShowAgain:
    """What shows a finding again.  Raises :class:`InputError` where this version cannot."""
    signature = record.bug
    if signature is None or signature.kind not in PROPERTIES:
        raise InputError(f"finding {record.id}: {record.signature!r} is not known to this version")
    if record.object is not None:
        return _restore_object(record, signature, record.object)
    row = PROPERTIES[signature.kind]
    question = question_of(row, restore_program(record))
    # A culprit that was found by trials is not sought again: the engine that is wrong must be the same.
    sameness = Sameness.ANY_CULPRIT if row.localises else Sameness.WHOLE
    return lambda door: door.again(question, signature, sameness)


def restore_program(record: Finding) -> Generated:
    """The program as properties want it, with what it breaks on purpose where it is a near miss."""
    case = casefile.from_plain(record.case, f"finding {record.id}")
    if record.intent is None:
        return Generated(case, Purpose.DARING)
    if record.intent.rule not in RULES:
        raise InputError(f"finding {record.id}: rule {record.intent.rule!r} is not known to this version")
    return Generated(case, Purpose.NEAR_MISS, Intent(RULES[record.intent.rule], record.intent.at))


def _restore_object(record: Finding, signature: Signature, evidence: ObjectEvidence) -> ShowAgain:
    peer = next((peer for peer in PEERS if peer.name == evidence.peer), None)
    if peer is None:
        raise InputError(f"finding {record.id}: peer {evidence.peer!r} is not known to this version")
    file = ObjectFile(evidence.file, evidence.broken, evidence.field)
    return lambda door: door.object_again(peer, file, signature)
