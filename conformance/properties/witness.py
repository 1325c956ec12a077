"""A disagreement that an input shows which the case does not have: the same, of the case that has it."""

from __future__ import annotations

from dataclasses import replace

from conformance.properties import PROPERTIES
from conformance.properties.judgement import Disagreement
from conformance.properties.observation import Observation


def shown(seen: Observation, what: Disagreement) -> tuple[Observation, Disagreement]:
    """``seen`` and ``what`` of the case that has the witness; as they are where there is none.

    What the kernel said of the program is the same whatever the inputs; it is not asked again.
    """
    if what.witness is None:
        return seen, what
    generated, job = replace(seen.generated, case=what.witness), replace(seen.job, case=what.witness)
    again = Observation(generated, job, seen.answer, seen.release, reference=seen.asks_reference)
    for judgement in PROPERTIES[what.kind](again):
        if isinstance(judgement, Disagreement) and judgement.signature == what.signature:
            return again, judgement
    return seen, what
