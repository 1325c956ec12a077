"""A disagreement that an input shows which the case does not have: the same, on the case that has it."""

from __future__ import annotations

from dataclasses import replace

from conformance.properties import PROPERTIES
from conformance.properties.judgement import Disagreement
from conformance.properties.observation import Observation


def shown(seen: Observation, what: Disagreement) -> tuple[Observation, Disagreement]:
    """``seen`` and ``what`` on the witness's case; as they are where there is none.

    What the kernel said of the program is the same whatever the inputs; it is not asked again.
    """
    if what.witness is None:
        return seen, what
    case = what.witness
    again = Observation(
        replace(seen.generated, case=case),
        replace(seen.job, case=case),
        seen.answer,
        seen.release,
        reference=seen.budget,
    )
    for judgement in PROPERTIES[what.kind](again):
        if isinstance(judgement, Disagreement) and judgement.signature == what.signature:
            return again, judgement
    return seen, what
