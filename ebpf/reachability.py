"""Which instructions a program can come by, as far as jumps and calls tell; and the program without
others."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.editing import Insns, remove, target
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn

_ENDS = (o.EXIT | o.JMP, o.JA | o.JMP, o.JA | o.JMP32)


def reachable(insns: Insns) -> list[int]:
    """The slots that some way from the first leads to, functions that are named included."""
    pending, seen = [0], set[int]()
    while pending:
        at = pending.pop()
        if at in seen or not 0 <= at < len(insns):
            continue
        seen.add(at)
        insn = insns[at]
        led_to = target(insn, at)
        if led_to is not None:
            pending.append(led_to)
        if insn.opcode == o.LD_IMM64 and at + 1 < len(insns):
            seen.add(at + 1)
            pending.append(at + 2)
        elif insn.opcode not in _ENDS:
            pending.append(at + 1)
    return sorted(seen)


def only(insns: Insns, kept: Sequence[int]) -> Insns:
    """The program without all slots but these, which are in order."""
    end = len(insns)
    for start in (*reversed(kept), -1):
        if end - start > 1:
            insns = remove(insns, start + 1, end - start - 1)
        end = start
    return insns


def is_nothing(insn: Insn) -> bool:
    """Whether it jumps to what follows it anyway."""
    return insn.opcode in _ENDS[1:] and target(insn, 0) == 1
