"""A loss: a case that takes its virtual machine with it."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.kernel.jobs import Lost
from conformance.observing.observation import Observation


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost, and what the kernel says of the same program when it is only loaded."""

    lost: Lost
    loaded: Observation | None
    """None where loading it takes the machine away too, or nothing can be loaded."""
