"""Properties: one file per kind of disagreement, each a function from an observation to judgements.

An *observation* is one case as everybody saw it: the kernel's answers, the interpreter's outcomes and traces.
A property holds parties against each other and says for each thing it compared: agreement, disagreement, or
abstention with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.properties import bounds, execution, health, precision, rule, soundness, transfer
from conformance.properties.judgement import Judgement, PropertyKind
from conformance.properties.observation import Observation

Property = Callable[[Observation], Iterator[Judgement]]

PROPERTIES: dict[PropertyKind, Property] = {
    PropertyKind.HEALTH: health.judge,
    PropertyKind.SOUNDNESS: soundness.judge,
    PropertyKind.RULE: rule.judge,
    PropertyKind.EXECUTION: execution.judge,
    PropertyKind.BOUNDS: bounds.judge,
    PropertyKind.TRANSFER: transfer.judge,
    PropertyKind.PRECISION: precision.judge,
}
"""By kind; in the order of what an accusation weighs."""

__all__ = ["PROPERTIES", "Judgement", "Observation", "Property", "PropertyKind"]
