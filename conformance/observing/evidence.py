"""Evidence: what the kernel's log, and a kernel that is asked on demand, say of a disagreement."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.observing.door import Door, Sighting, question_of
from conformance.properties.registry import PROPERTIES
from ebpf.errors import VeridiffError
from ebpf.signature import Sameness


@dataclass(frozen=True, slots=True)
class SightingEvidence:
    """Of a sighting on the kernel behind a door."""

    door: Door
    sighting: Sighting

    @property
    def log(self) -> str:
        """Of the attempt that was judged."""
        main = self.sighting.observation.main
        return main.log if main is not None else ""

    def is_gone_on(self, kernel: str) -> bool:
        """Ask that kernel about the program: whether it shows nothing of the kind, whatever the culprit.

        False where it could not be asked, or could not tell.
        """
        disagreement = self.sighting.disagreement
        signature, right = disagreement.signature, disagreement.right
        question = question_of(PROPERTIES[signature.kind], self.sighting.observation.generated)
        try:
            other = self.door.of_other(kernel)
            if other is None:
                return False
            return other.again(question, signature, Sameness.ANY_CULPRIT, right) is None
        except VeridiffError:
            return False
