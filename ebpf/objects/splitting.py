"""A flat program taken apart into the functions that a compiler would have made: the opposite of linking."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.objects.errors import OpenStage, refuse


@dataclass(frozen=True, slots=True)
class Piece:
    """A function: its slots of the program, and the calls in it as (slot in the piece, number of the piece
    called)."""

    start: int
    instructions: tuple[Insn, ...]
    calls: tuple[tuple[int, int], ...]


def split(insns: tuple[Insn, ...], at: str) -> tuple[Piece, ...]:
    """The main function and its subprograms, each from where a call goes to the next such place.

    Raises :class:`ebpf.objects.errors.ObjectError` for a call that leaves the program.
    """
    targets = {slot: slot + insns[slot].imm + 1 for slot in references(insns)}
    for slot, goal in targets.items():
        if not 0 < goal < len(insns):
            refuse(
                OpenStage.PROGRAMS,
                f"{at}, instruction {slot}",
                f"refers to slot {goal}, which is no subprogram of it",
            )
    starts = [0, *sorted(set(targets.values()))]
    pieces = []
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(insns)
        calls = tuple(
            (slot - start, bisect_right(starts, targets[slot]) - 1)
            for slot in sorted(targets)
            if start <= slot < end
        )
        pieces.append(Piece(start, insns[start:end], calls))
    return tuple(pieces)


def references(insns: tuple[Insn, ...]) -> list[int]:
    """Slots that name a subprogram: local calls, and loads of a function's address."""
    found, slot = [], 0
    while slot < len(insns):
        insn = insns[slot]
        if insn.names_subprogram:
            found.append(slot)
        slot += 2 if insn.opcode == o.LD_IMM64 else 1
    return found
