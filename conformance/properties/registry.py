"""The registry: a row per property, in the order of what an accusation weighs."""

from __future__ import annotations

from conformance.observing.question import Attempts
from conformance.properties import (
    bounds,
    embedding,
    execution,
    health,
    metamorphic,
    objects,
    precision,
    regression,
    rule,
    soundness,
    transfer,
)
from conformance.properties.property import Property
from ebpf.signature import Sameness
from reports.records import Severity

ROWS = (
    Property(
        kind=health.KIND, severity=Severity.MEDIUM, floor=0.9, judge=health.judge,
        judge_object=health.judge_object, judge_loss=health.judge_loss, attempts=Attempts.ALL,
        judges_losses=True,
    ),
    Property(
        kind=soundness.KIND, severity=Severity.CRITICAL, floor=0.4, judge=soundness.judge,
        should_accept=False, judges_losses=True,
    ),
    Property(
        kind=rule.KIND, severity=Severity.HIGH, floor=0.05, judge=rule.judge, variants=rule.variants,
        reference=True, reads_intent=True, should_accept=False, judges_losses=True,
    ),
    Property(
        kind=execution.KIND, severity=Severity.HIGH, floor=0.33, judge=execution.judge,
        judge_loss=execution.judge_loss, attempts=Attempts.ALL, localises=True, expects_result=True,
    ),
    Property(
        kind=bounds.KIND, severity=Severity.HIGH, floor=0.4, judge=bounds.judge, reads_claims=True,
        judges_losses=True,
    ),
    Property(
        kind=embedding.KIND, severity=Severity.HIGH, floor=0.05, judge=embedding.judge,
        variants=embedding.variants, asked=embedding.is_asked, attempts=Attempts.RUN,
        sameness=Sameness.ANY_CULPRIT,
    ),
    Property(
        kind=metamorphic.KIND, severity=Severity.HIGH, floor=0.05, judge=metamorphic.judge,
        variants=metamorphic.variants, asked=metamorphic.is_asked, attempts=Attempts.RUN,
    ),
    Property(
        kind=transfer.KIND, severity=Severity.HIGH, floor=0.05, judge=transfer.judge, asked=transfer.is_asked,
        runs=False, experiments=True, reads_claims=True, sameness=Sameness.ANY_PARTS,
    ),
    Property(
        kind=precision.KIND, severity=Severity.MEDIUM, floor=0.0, judge=precision.judge, reference=True,
        needs_siblings=precision.needs_siblings, fits=precision.fits, should_accept=True, judges_losses=True,
    ),
    Property(
        kind=regression.KIND, severity=Severity.MEDIUM, floor=0.0, judge=regression.judge,
        needs_siblings=regression.needs_siblings, asked=regression.is_asked, reference=True,
        judges_losses=True, in_checks=False,
    ),
    Property(
        kind=objects.KIND, severity=Severity.LOW, floor=0.8, judge_object=objects.judge, native=True,
    ),
)  # fmt: skip

PROPERTIES: dict[str, Property] = {row.kind: row for row in ROWS}
"""By kind."""
