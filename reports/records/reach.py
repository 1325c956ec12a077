"""What a run's programs came by on a kernel: types, callees, maps, and rules broken on purpose."""

from __future__ import annotations

import msgspec


class Acceptance(msgspec.Struct, frozen=True, array_like=True):
    """Programs with something in them: those meant to be valid, those of them that were accepted, and all
    that were accepted, whatever they were meant for."""

    valid: int = 0
    valid_accepted: int = 0
    accepted: int = 0


class MissCount(msgspec.Struct, frozen=True, array_like=True):
    """Near misses of one rule.  ``refused``: in the phase that checks the rule, and where the kernel names
    an instruction, at the one that breaks it; ``elsewhere``: refused, but not so."""

    refused: int = 0
    elsewhere: int = 0
    accepted: int = 0
    unjudged: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.refused + self.elsewhere + self.accepted + self.unjudged


class KernelOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What a kernel, asked by a probe for each, said yes to: names as case files and :data:`FORMS` have
    them."""

    types: tuple[str, ...]
    maps: tuple[str, ...]
    forms: tuple[str, ...]


class KernelReach(msgspec.Struct, frozen=True, kw_only=True):
    """Of one kernel.  ``callees`` is by program type; helpers and kernel functions by name."""

    kernel: str
    types: dict[str, Acceptance] = {}
    callees: dict[str, dict[str, Acceptance]] = {}
    maps: dict[str, Acceptance] = {}
    misses: dict[str, MissCount] = {}
    offer: KernelOffer | None = None
    """None where it was not asked: of a run that was cut short."""
