"""Calls by name.  A call's ``imm`` holds its place among the program's names, so that an edited program still
knows them; whoever loads it puts the kernel's own number there."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.isa.insn import Insn

Names = tuple[tuple[int, str], ...]
"""Slots, and the kernel function that the call there is of."""


def moved_calls(names: Names, before: Sequence[Insn], after: Sequence[Insn]) -> Names:
    """The names of the calls in ``after`` that were in ``before``; unchanged where calls do not hold their
    places among the names."""
    if any(at >= len(before) or before[at].imm != place for place, (at, _) in enumerate(names)):
        return names
    return tuple(
        (at, names[insn.imm][1])
        for at, insn in enumerate(after)
        if insn.calls_kernel and 0 <= insn.imm < len(names)
    )
