"""What a path assumed: conditions, shared between paths that were one."""

from __future__ import annotations

from dataclasses import dataclass

import z3


@dataclass(frozen=True, slots=True, eq=False)
class Assumed:
    """A list of conditions that grows at its head."""

    condition: z3.BoolRef
    earlier: Assumed | None


def conditions(assumed: Assumed | None) -> list[z3.BoolRef]:
    """All of them, the latest first."""
    found = []
    while assumed is not None:
        found.append(assumed.condition)
        assumed = assumed.earlier
    return found


def added(assumed: Assumed | None, since: Assumed | None) -> list[z3.BoolRef]:
    """What a path assumed after it had assumed ``since``; all of it where ``since`` is another path's."""
    found = []
    while assumed is not None and assumed is not since:
        found.append(assumed.condition)
        assumed = assumed.earlier
    return found
