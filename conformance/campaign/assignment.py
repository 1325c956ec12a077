"""What one worker is to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.campaign.known import KnownIssue
from conformance.kernel.image import Image
from reports.records import Provenance


@dataclass(frozen=True, slots=True)
class Assignment:
    """``seconds`` counts from the first program judged; ``examples`` is this worker's share, with what others
    made before; whichever is set ends the work.

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
    issues: tuple[KnownIssue, ...] = ()
    """What is no news."""
    programs: int = 0
    """Programs and objects that others made before: it goes on where they ended."""
    objects: int = 0
    probes: bool = False
    """Whether to ask the kernel, the work done, for all its features."""
    found: frozenset[str] = frozenset()
    """Ids of the findings made before."""
    families: dict[str, int] = field(default_factory=dict)
    """By family of signatures, how many of them are new."""
