"""Editing a program: instructions removed, replaced and inserted, with every jump still leading where it led.

A jump that led to a removed instruction leads to what follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn

Insns = tuple[Insn, ...]


def jump_field(insn: Insn) -> str | None:
    """The field that holds a distance in slots; None for an instruction that has none."""
    cls, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
    if insn.loads_function:
        return "imm"
    if cls not in (o.JMP, o.JMP32) or op == o.EXIT:
        return None
    if op == o.CALL:
        return "imm" if insn.src == o.CALL_LOCAL else None
    return "imm" if insn.opcode == o.JA | o.JMP32 else "off"


def target(insn: Insn, at: int) -> int | None:
    """The slot that the instruction in slot ``at`` jumps to or calls; None for one that does neither."""
    field = jump_field(insn)
    return None if field is None else at + 1 + int(getattr(insn, field))


def retarget(insn: Insn, at: int, to: int) -> Insn:
    """The jump in slot ``at``, leading to slot ``to``."""
    field = jump_field(insn)
    assert field is not None
    return replace(insn, **{field: to - at - 1})


@dataclass(frozen=True, slots=True)
class Edit:
    """What comes to stand at a slot: ``new`` in place of ``count`` slots, or before the slot where that is 0.

    The new instructions' own jumps are taken as they are.  Jumps to the slot lead to the first of them where
    it is ``entered``, else behind them; jumps into the rest of what was replaced lead behind them.
    """

    count: int
    new: Sequence[Insn]
    entered: bool = True


@dataclass(frozen=True, slots=True)
class Moves:
    """Where the slots of a program are after edits: indexed by slot, its end included."""

    entered: tuple[int, ...]
    """Where a jump to the slot leads now."""
    placed: tuple[int | None, ...]
    """Where its instruction stands now; None for one that was replaced."""

    @classmethod
    def after(cls, length: int, edits: Mapping[int, Edit]) -> Moves:
        """Of a program of so many slots; the edits are by slot, and do not overlap."""
        entered, placed = [0] * (length + 1), [None] * (length + 1)  # type: list[int], list[int | None]
        at = grown = 0
        while at <= length:
            edit = edits.get(at)
            if edit is None:
                entered[at] = placed[at] = at + grown
                at += 1
                continue
            first = at + grown
            behind = first + len(edit.new)
            entered[at] = first if edit.entered else behind
            for replaced in range(at + 1, at + edit.count):
                entered[replaced] = behind
            grown += len(edit.new) - edit.count
            if not edit.count:
                placed[at] = behind
            at += edit.count or 1
        return cls(tuple(entered), tuple(placed))

    def leads(self, to: int) -> int:
        """Where a jump to that slot leads now; one out of the program stays as far out."""
        if to < 0:
            return to
        last = len(self.entered) - 1
        return self.entered[to] if to <= last else self.entered[last] + to - last


def rewrite(insns: Insns, edits: Mapping[int, Edit], moves: Moves | None = None) -> Insns:
    """The program with all the edits made at once; the moves are what they come to, where that is known."""
    moves = moves or Moves.after(len(insns), edits)
    made: list[Insn] = []
    for at, placed in enumerate(moves.placed):
        if at in edits:
            made += edits[at].new
        if placed is not None and at < len(insns):
            made.append(_moved(insns[at], at, placed, moves))
    return tuple(made)


def _moved(insn: Insn, at: int, placed: int, moves: Moves) -> Insn:
    led_to = target(insn, at)
    if led_to is None:
        return insn
    leads = moves.leads(led_to)
    return insn if leads - placed == led_to - at else retarget(insn, placed, leads)


def remove(insns: Insns, start: int, count: int) -> Insns:
    """The program without slots ``start`` to ``start + count - 1``."""
    return replace_slots(insns, start, count, ())


def insert(insns: Insns, at: int, new: Sequence[Insn]) -> Insns:
    """The program with instructions before slot ``at``; jumps to slot ``at`` lead behind them."""
    return rewrite(insns, {at: Edit(0, new, entered=False)})


def guard(insns: Insns, at: int, new: Sequence[Insn]) -> Insns:
    """The program with instructions before slot ``at``, which every way there leads through."""
    return rewrite(insns, {at: Edit(0, new)})


def replace_slots(insns: Insns, start: int, count: int, new: Sequence[Insn]) -> Insns:
    """The program with ``count`` slots from ``start`` on replaced by others; jumps to slot ``start`` lead
    behind the new ones where none is replaced."""
    return rewrite(insns, {start: Edit(count, new, entered=count > 0)})


def change(insns: Insns, at: int, edit: Callable[[Insn], Insn]) -> Insns:
    """The program with one instruction changed in place."""
    return (*insns[:at], edit(insns[at]), *insns[at + 1 :])
