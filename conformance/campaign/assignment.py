"""What one worker is to do."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.kernel.image import Image
from reports.records import Provenance


@dataclass(frozen=True, slots=True)
class Assignment:
    """``seconds`` counts from the first program judged; ``examples`` is this worker's share; whichever is set
    ends the work.

    ``provenance`` is completed by the worker with the kernel's release.
    """

    image: Image
    boot_args: tuple[str, ...]
    kinds: tuple[str, ...]
    seed: int
    worker: int
    seconds: float | None
    examples: int | None
    against: tuple[str, ...]
    """Kernels that are asked about a program where it hangs on what others say; booted on demand."""
    provenance: Provenance
