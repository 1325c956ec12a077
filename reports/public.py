"""What of a run anyone may see.

Of a finding that is not public only its kind, severity, kernel and signature, and that it is there.
Everything is made anew from what may be shown, so that what is added to a record later is private until
somebody puts it here.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from reports.directory import RunDirectory
from reports.records import Finding, LossRecord, Provenance, RunSummary

WITHHELD = "Details are withheld (SECURITY.md)."
WORDS = ("interrupted", "still running")
"""Reasons to be incomplete that tell nothing else."""


def withhold(run: RunDirectory, directory: Path) -> RunDirectory:
    """The run as anyone may see it, in another directory."""
    withheld = any(not finding.public for finding in run.findings)
    findings = tuple(
        (_without_seed(finding) if withheld else finding) if finding.public else _withheld(finding)
        for finding in run.findings
    )
    return RunDirectory(directory, _summary(run.summary, withheld=withheld), findings)


def _without_seed(finding: Finding) -> Finding:
    """A public finding of a run that has others: its seed makes those again."""
    provenance = msgspec.structs.replace(finding.provenance, seed=None, command="")
    return msgspec.structs.replace(finding, provenance=provenance)


def _withheld(finding: Finding) -> Finding:
    return Finding(
        id=finding.id,
        kind=finding.kind,
        statement=WITHHELD,
        severity=finding.severity,
        signature=finding.signature,
        kernel=finding.kernel,
        status=finding.status,
        provenance=Provenance(
            versions={}, seed=None, command="", date="", kernel_release=finding.provenance.kernel_release
        ),
    )


def _summary(summary: RunSummary, *, withheld: bool) -> RunSummary:
    """With counts; where something is withheld, without seed and command, which make the same programs
    again, and without the messages of refusals and what became of near misses."""
    because = summary.incomplete_because
    return RunSummary(
        complete=summary.complete,
        incomplete_because=because if because in ("", *WORDS) else "an error, kept in the run's directory",
        started=summary.started,
        seconds=summary.seconds,
        seed=None if withheld else summary.seed,
        command="" if withheld else summary.command,
        programs=summary.programs,
        kernels=summary.kernels,
        cells=summary.cells,
        findings_new=summary.findings_new,
        findings_known=summary.findings_known,
        git=summary.git,
        versions=summary.versions,
        rates=summary.rates,
        losses=tuple(
            LossRecord(kernel=loss.kernel, reason=loss.reason, in_flight=loss.in_flight)
            for loss in summary.losses
        ),
        productions=summary.productions,
        rejections={} if withheld else summary.rejections,
        gaps=summary.gaps,
        unparsed_log_lines=summary.unparsed_log_lines,
        precision=summary.precision,
        forms=summary.forms,
        reach=tuple(msgspec.structs.replace(each, misses={}) for each in summary.reach)
        if withheld
        else summary.reach,
        reference=msgspec.structs.replace(summary.reference, open={}) if withheld else summary.reference,
    )
