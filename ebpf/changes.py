"""Documented changes: what kernels refuse since a release although older ones took it, for a reason that
is no fault of either."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ebpf.program_types import ProgramType
from ebpf.releases import Release, Since


@dataclass(frozen=True, slots=True)
class DocumentedChange:
    """A refusal that is right where it is made, and was right not to be made before."""

    message: re.Pattern[str]
    """What the newer kernels say."""
    since: Since
    reason: str
    source: str
    of_pruning: bool = False
    """Whether it explains only what was taken with a path left because another state covered it."""
    type: ProgramType | None = None
    """The type of program that it concerns; None: all."""


CHANGES = (
    DocumentedChange(
        re.compile("uses reserved fields|invalid use of reserved fields|reserved field"),
        Since("7.1"),
        "reserved fields are checked before the walk, in dead code too",
        "kernel/bpf/verifier.c, check_and_resolve_insns()",
    ),
    DocumentedChange(
        re.compile(
            r"R\d+ (?:m(?:ax|in) value is outside of the|unbounded memory access|min value is negative)"
            "|math between .* pointer and|makes .* pointer be out of bounds"
        ),
        Since("6.5"),
        "older kernels take two states for equal although what is precise in them has other ids, and leave a "
        "path unwalked",
        "kernel/bpf/verifier.c, regsafe(): check_scalar_ids()",
        of_pruning=True,
    ),
    DocumentedChange(
        re.compile(r"At program exit the register R0 has .* should have been in"),
        Since("6.12"),
        "a program of an LSM hook returns what the hook may",
        "kernel/bpf/bpf_lsm.c, bpf_lsm_get_retval_range()",
        type=ProgramType.LSM,
    ),
)


def documented_change(
    message: str, release: str, accepted_by: Release, pruned: bool, type_: ProgramType
) -> DocumentedChange | None:
    """The change that explains why a kernel of ``release`` refuses a program of ``type_`` that older ones
    took, the newest of them ``accepted_by``, which ``pruned`` or did not; None where none came between."""
    between = (row for row in CHANGES if release in row.since and accepted_by not in row.since)
    fitting = (row for row in between if (pruned or not row.of_pruning) and row.type in (None, type_))
    return next((row for row in fitting if row.message.search(message)), None)
