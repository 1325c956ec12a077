"""Records: a finding as it is stored, made from a sighting."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from conformance.campaign.known import KnownIssue
from conformance.campaign.listing import listing_rows, pruned
from conformance.kernel.identity import KernelIdentity
from conformance.kernel.peer import version
from conformance.objects.accounts import of_peer, of_reading
from conformance.observing.door import ObjectSighting, Sighting
from conformance.observing.object_observation import ObjectObservation
from conformance.properties.judgement import Disagreement
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.signature import Signature
from oracles.interpreter import Outcome, Returned, Trapped
from reports.affected import STILL
from reports.records import (
    Finding,
    IntentRecord,
    ObjectEvidence,
    Provenance,
    Reproduced,
    Status,
    VerdictRecord,
)

MAX_LOG = 256 << 10
"""Characters of kernel log kept in a finding."""


def finding_id(signature: Signature, kernel: KernelIdentity) -> str:
    """12 hex digits: the same bug on the same kernel has the same."""
    identity = "\0".join((str(signature), kernel.name, *kernel.boot_args))
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is known of a disagreement beside what it is."""

    reproduced: Reproduced | None
    issue: KnownIssue | None
    """The known issue that explains it."""


def finding(
    sighting: Sighting, kernel: KernelIdentity, provenance: Provenance, confirmation: Confirmation
) -> Finding:
    """The record of a disagreement seen on a kernel."""
    observation, disagreement = sighting.observation, sighting.disagreement
    row = PROPERTIES[disagreement.kind]
    outcome = witness_outcome(sighting)
    ruling = observation.ruling
    intent = observation.generated.rule
    return msgspec.structs.replace(
        _common(disagreement, kernel, provenance, confirmation),
        case=casefile.to_plain(observation.case),
        intent=None if intent is None else IntentRecord(intent.name, observation.generated.at),
        listing=listing_rows(sighting),
        pruned=pruned(sighting),
        left=disagreement.left,
        witness=disagreement.input,
        outcome=_describe(outcome),
        should_accept=row.should_accept,
        expected_return=outcome.r0 & 0xFFFF_FFFF
        if isinstance(outcome, Returned) and row.expects_result
        else None,
        right=disagreement.right,
        log=observation.main.log[:MAX_LOG] if observation.main else "",
        verdicts=(
            VerdictRecord(
                str(kernel),
                ruling.verdict.value,
                ruling.message,
                provenance.kernel_release,
                shows=STILL if confirmation.reproduced and confirmation.reproduced.times else "",
            ),
            *(
                VerdictRecord(each.kernel, each.ruling.verdict.value, each.ruling.message, str(each.release))
                for each in observation.elsewhere
            ),
        ),
    )


def object_finding(
    sighting: ObjectSighting, kernel: KernelIdentity, provenance: Provenance, confirmation: Confirmation
) -> Finding:
    """The record of a disagreement over an ELF object."""
    peer = sighting.observation.peer
    versions = {**provenance.versions, peer.name: version(peer)}
    provenance = msgspec.structs.replace(provenance, versions=versions)
    record = _common(sighting.disagreement, kernel, provenance, confirmation)
    return msgspec.structs.replace(record, object=evidence(sighting.observation))


def _common(
    disagreement: Disagreement, kernel: KernelIdentity, provenance: Provenance, confirmation: Confirmation
) -> Finding:
    issue = confirmation.issue
    return Finding(
        id=finding_id(disagreement.signature, kernel),
        kind=disagreement.kind,
        statement=disagreement.statement,
        severity=PROPERTIES[disagreement.kind].severity,
        signature=str(disagreement.signature),
        bug=disagreement.signature,
        kernel=kernel.name,
        boot_args=kernel.boot_args,
        provenance=provenance,
        status=Status.KNOWN if issue else Status.NEW,
        known_as=issue.id if issue else "",
        explanation=issue.cause if issue else "",
        public=issue.public if issue else False,
        reproduced=confirmation.reproduced,
    )


def evidence(observation: ObjectObservation) -> ObjectEvidence:
    """The object and both accounts of it."""
    return ObjectEvidence(
        file=observation.file.data,
        peer=observation.peer.name,
        broken=observation.file.broken,
        field=observation.file.field,
        ours=of_reading(observation.ours),
        theirs=of_peer(observation.theirs),
    )


def witness_outcome(sighting: Sighting) -> Outcome | None:
    """What the interpreter makes of the input that shows the disagreement; None where it needs none."""
    number = sighting.disagreement.input
    inputs = sighting.observation.case.inputs
    return None if number is None or number >= len(inputs) else sighting.observation.runs[number][0]


def _describe(outcome: Outcome | None) -> str:
    if isinstance(outcome, Returned):
        return f"returned r0 = 0x{outcome.r0:x}"
    if isinstance(outcome, Trapped):
        return f"trapped at instruction {outcome.at}: {outcome.rule}: {outcome.detail}"
    return ""
