"""Editing a program: instructions removed, replaced and inserted, with every jump still leading where it led.

A jump that led to a removed instruction leads to what follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

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


def remove(insns: Insns, start: int, count: int) -> Insns:
    """The program without slots ``start`` to ``start + count - 1``."""
    return replace_slots(insns, start, count, ())


def insert(insns: Insns, at: int, new: Sequence[Insn]) -> Insns:
    """The program with instructions before slot ``at``; jumps to slot ``at`` lead behind them."""
    return replace_slots(insns, at, 0, new)


def guard(insns: Insns, at: int, new: Sequence[Insn]) -> Insns:
    """The program with instructions before slot ``at``, which every way there leads through."""
    behind = at + len(new)
    inserted = insert(insns, at, new)
    return tuple(
        retarget(insn, here, at) if target(insn, here) == behind and not at <= here < behind else insn
        for here, insn in enumerate(inserted)
    )


def replace_slots(insns: Insns, start: int, count: int, new: Sequence[Insn]) -> Insns:
    """The program with ``count`` slots from ``start`` on replaced by others.

    Jumps to slot ``start`` lead to the first of the new ones where slots are replaced, and into what was
    replaced, behind them; the new ones' own jumps are taken as they are.
    """
    grown = len(new) - count

    def moved(at: int) -> int:
        if at < start or (at == start and count):
            return at
        return max(at, start + count) + grown

    def kept(at: int, insn: Insn) -> Insn:
        led_to = target(insn, at)
        return insn if led_to is None else retarget(insn, moved(at), moved(led_to))

    before = [kept(at, insn) for at, insn in enumerate(insns[:start])]
    after = [kept(at, insn) for at, insn in enumerate(insns[start + count :], start + count)]
    return (*before, *new, *after)


def change(insns: Insns, at: int, edit: Callable[[Insn], Insn]) -> Insns:
    """The program with one instruction changed in place."""
    return (*insns[:at], edit(insns[at]), *insns[at + 1 :])
