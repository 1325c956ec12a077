"""Where a run stands, for whoever watches it."""

from __future__ import annotations

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Counts so far."""

    programs: int
    accepted: int
    findings: int
    programs_per_second: float
    seconds: float
    seconds_left: float | None = None
    """None when the run is bounded by examples."""
    objects: int = 0
