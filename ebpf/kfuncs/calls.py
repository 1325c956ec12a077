"""Calls, and addresses of variables, by name.  Their ``imm`` holds the place among the program's names, so
that an edited program still knows them; whoever loads it puts the kernel's own number there."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa.insn import Insn

Insns = tuple[Insn, ...]
Names = tuple[tuple[int, str], ...]
"""Slots, and the kernel function that the call there is of."""


def moved_calls(names: Names, before: Insns, after: Insns) -> tuple[Insns, Names]:
    """``after``, an edited ``before``, and the names of the calls that are left in it, numbered anew;
    unchanged where calls do not hold their places among the names."""
    if any(at >= len(before) or before[at].imm != place for place, (at, _) in enumerate(names)):
        return after, names
    insns = list(after)
    left: list[tuple[int, str]] = []
    for at, insn in enumerate(after):
        if insn.names_kernel and 0 <= insn.imm < len(names):
            insns[at] = replace(insn, imm=len(left))
            left.append((at, names[insn.imm][1]))
    return tuple(insns), tuple(left)
