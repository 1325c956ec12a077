"""Documented changes: what kernels refuse since a release although older ones took it, for a reason that
is no fault of either."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ebpf.releases import Since


@dataclass(frozen=True, slots=True)
class DocumentedChange:
    """A refusal that is right where it is made, and was right not to be made before."""

    message: re.Pattern[str]
    """What the newer kernels say."""
    since: Since
    reason: str
    source: str


CHANGES = (
    DocumentedChange(
        re.compile("uses reserved fields|invalid use of reserved fields|reserved field"),
        Since("7.1"),
        "reserved fields are checked before the walk, in dead code too",
        "kernel/bpf/verifier.c, check_and_resolve_insns()",
    ),
)


def documented_change(message: str, release: str) -> DocumentedChange | None:
    """The change that explains why a kernel of ``release`` refuses what an older one took, if one does."""
    found = (row for row in CHANGES if row.message.search(message) and release in row.since)
    return next(found, None)
