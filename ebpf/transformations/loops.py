"""The first round of a loop as a copy before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ebpf.editing import insert, retarget, target
from ebpf.isa.build import goto
from ebpf.isa.insn import Insn
from ebpf.liveness import starts
from ebpf.program import Case
from ebpf.splicing import is_movable, with_program
from ebpf.verifier_log.effects import is_conditional, is_may_goto


def peel(case: Case) -> Case | None:
    """The first loop that ends in a comparison, in a program that calls no kernel functions, has its first
    round before it; a jump to its start comes behind that."""
    program = case.program
    insns = program.instructions
    if not is_movable(program) or program.kfuncs:
        return None
    for again in starts(insns):
        insn = insns[again]
        start = target(insn, again)
        if is_conditional(insn) and not is_may_goto(insn) and start is not None and 0 <= start <= again:
            grown = insert(insns, start, tuple(_round(insns, start, again)))
            return with_program(case, replace(program, instructions=grown))
    return None


def _round(insns: tuple[Insn, ...], start: int, again: int) -> Iterator[Insn]:
    """Slots ``start`` to ``again`` once, to stand before them: who goes on does so in the loop, who does not,
    behind it."""
    length = again - start + 1
    begun = set(starts(insns))
    for at in range(start, again):
        led_to = target(insns[at], at) if at in begun else None
        if led_to is None or led_to <= again:
            yield insns[at]
        else:
            yield retarget(insns[at], at, led_to + length + 1)
    yield replace(insns[again], off=1)
    yield goto(length)
