"""From a disagreement to a finding record: what each instruction did in the witness run, beside what the
kernel claimed."""

from __future__ import annotations

import datetime
import hashlib

import msgspec

from conformance.campaign.assignment import Assignment
from conformance.campaign.known import KnownIssue
from conformance.kernel.peer import version
from conformance.kernel.verifier_log.paths import follow
from conformance.object_accounts import of_peer, of_reading
from conformance.peers import Examined
from conformance.properties.judgement import Disagreement, PropertyKind
from conformance.properties.observation import Observation
from ebpf import casefile
from ebpf.assembly import listing
from ebpf.isa.opcodes import CALL, JMP
from oracles.interpreter import Returned, Step, Trapped
from oracles.interpreter.memory import Undefined
from reports.records import (
    Finding,
    FindingKind,
    KernelVerdict,
    ListingRow,
    ObjectEvidence,
    Provenance,
    Reproduced,
    Severity,
    Status,
)

SEVERITIES = {
    PropertyKind.SOUNDNESS: Severity.CRITICAL,
    PropertyKind.RULE: Severity.HIGH,
    PropertyKind.BOUNDS: Severity.HIGH,
    PropertyKind.TRANSFER: Severity.HIGH,
    PropertyKind.EXECUTION: Severity.HIGH,
    PropertyKind.HEALTH: Severity.MEDIUM,
    PropertyKind.PRECISION: Severity.MEDIUM,
    PropertyKind.OBJECTS: Severity.LOW,
}
MAX_LOG = 256 << 10
"""Characters of kernel log kept in a finding."""


def finding_id(signature: str, kernel: str) -> str:
    """12 hex digits: the same bug on the same kernel has the same."""
    return hashlib.sha256(f"{signature}\0{kernel}".encode()).hexdigest()[:12]


def now() -> str:
    """The date for provenance, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def finding(
    seen: Observation,
    what: Disagreement,
    task: Assignment,
    provenance: Provenance,
    known: KnownIssue | None,
    reproduced: Reproduced | None,
) -> Finding:
    """The record of a disagreement seen on the kernel of ``task``."""
    kernel = task.image.name
    outcome = (
        seen.runs[what.input][0] if what.input is not None and what.input < len(seen.case.inputs) else None
    )
    return Finding(
        id=finding_id(what.signature, kernel),
        kind=FindingKind(what.kind.value),
        statement=what.statement,
        severity=SEVERITIES[what.kind],
        signature=what.signature,
        kernel=kernel,
        boot_args=task.boot_args,
        case=casefile.to_plain(seen.case),
        provenance=provenance,
        status=Status.KNOWN if known else Status.NEW,
        known_as=known.id if known else "",
        explanation=known.cause if known else "",
        listing=rows(seen, what),
        witness=what.input,
        outcome=_outcome(outcome),
        should_accept=False if what.kind in (PropertyKind.SOUNDNESS, PropertyKind.RULE) else None,
        expected_return=outcome.r0 & 0xFFFF_FFFF
        if isinstance(outcome, Returned) and what.kind is PropertyKind.EXECUTION
        else None,
        log=seen.main.log[:MAX_LOG] if seen.main else "",
        verdicts=(
            KernelVerdict(kernel, seen.ruling.verdict.value, seen.ruling.message, provenance.kernel_release),
        ),
        reproduced=reproduced,
    )


def object_finding(
    seen: Examined,
    what: Disagreement,
    task: Assignment,
    provenance: Provenance,
    known: KnownIssue | None,
    reproduced: Reproduced | None,
) -> Finding:
    """The record of a disagreement over an ELF object."""
    kernel = task.image.name
    versions = {**provenance.versions, seen.peer.name: version(seen.peer)}
    return Finding(
        id=finding_id(what.signature, kernel),
        kind=FindingKind(what.kind.value),
        statement=what.statement,
        severity=SEVERITIES[what.kind],
        signature=what.signature,
        kernel=kernel,
        boot_args=task.boot_args,
        object=evidence(seen),
        provenance=msgspec.structs.replace(provenance, versions=versions),
        status=Status.KNOWN if known else Status.NEW,
        known_as=known.id if known else "",
        explanation=known.cause if known else "",
        reproduced=reproduced,
    )


def evidence(seen: Examined) -> ObjectEvidence:
    """The object and both accounts of it."""
    return ObjectEvidence(
        file=seen.made.data,
        peer=seen.peer.name,
        broken=seen.made.broken,
        field=seen.made.field,
        ours=of_reading(seen.ours),
        theirs=of_peer(seen.theirs),
    )


def _outcome(outcome: object) -> str:
    if isinstance(outcome, Returned):
        return f"returned r0 = 0x{outcome.r0:x}"
    if isinstance(outcome, Trapped):
        return f"trapped at instruction {outcome.at}: {outcome.rule}: {outcome.detail}"
    return ""


def rows(seen: Observation, what: Disagreement) -> tuple[ListingRow, ...]:
    """The program, an instruction a row; values and claims are those of the witness run's last visit."""
    trace = seen.runs[what.input][1] if what.input is not None and what.input < len(seen.case.inputs) else ()
    values = {step.at: _value(seen, step) for step in trace}
    claims = _claims(seen, trace)
    return tuple(
        ListingRow(
            index=at,
            text=line,
            claim=claims.get(at),
            value=values.get(at),
            culprit=at == what.culprit,
            note=what.statement if at == what.culprit else "",
        )
        for at, line in listing(seen.case.program.instructions)
    )


def _value(seen: Observation, step: Step) -> str | None:
    insn = seen.case.program.instructions[step.at]
    register = 0 if insn.opcode == CALL | JMP else insn.dst
    if register > 10 or isinstance(step.registers[register], Undefined):
        return None
    value = step.registers[register]
    return f"R{register} = 0x{value:x}" if isinstance(value, int) else f"R{register} = {value!r}"


def _claims(seen: Observation, trace: tuple[Step, ...]) -> dict[int, str]:
    if seen.exploration is None or not trace:
        return {}
    shown: dict[int, str] = {}
    for claims in follow(seen.exploration, [(step.frame, step.at) for step in trace]).claims:
        if 0 <= claims.step < len(trace) and claims.node.entry:
            shown[trace[claims.step].at] = " ".join(text.strip() for text in claims.node.entry)
    return shown
