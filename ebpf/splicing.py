"""Slots of a whole program replaced: what names slots by number moves with them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ebpf.editing import guard, replace_slots, target
from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, encode
from ebpf.liveness import starts
from ebpf.program import Case, Program

FUNCTION = struct.Struct("<II")
"""struct bpf_func_info, include/uapi/linux/bpf.h: the first slot of a function, and its type."""


def is_movable(program: Program) -> bool:
    """Whether slots may be inserted: all jumps say where they lead."""
    return not any(
        program.instructions[at].opcode == o.JA | o.X | o.JMP for at in starts(program.instructions)
    )


def replaced(program: Program, at: int, count: int, new: Sequence[Insn]) -> Program:
    """The program with ``count`` slots from ``at`` on replaced; jumps to ``at`` lead to the first new one."""
    insns = replace_slots(program.instructions, at, count, new)
    kept = [(slot, name) for slot, name in program.kfuncs if not at <= slot < at + count]
    return _with_moved(program, insns, kept, at, len(new) - count)


def guarded(program: Program, at: int, new: Sequence[Insn]) -> Program:
    """The program with instructions before slot ``at``, which every way there leads through."""
    insns = guard(program.instructions, at, new)
    return _with_moved(program, insns, program.kfuncs, at, len(new))


def _with_moved(
    program: Program, insns: tuple[Insn, ...], kfuncs: Iterable[tuple[int, str]], at: int, grown: int
) -> Program:
    """The program with these instructions, of which ``grown`` more are at slot ``at``.

    A function that begins there begins with them.
    """
    moved = tuple((slot + grown if slot >= at else slot, name) for slot, name in kfuncs)
    info = program.func_info
    if info is not None:
        records = (
            (start + grown if start > at else start, kind) for start, kind in FUNCTION.iter_unpack(info)
        )
        info = b"".join(FUNCTION.pack(*record) for record in records)
    return replace(program, instructions=insns, kfuncs=moved, func_info=info)


def with_program(case: Case, program: Program) -> Case | None:
    """The case of the changed program; None where nothing changed or a distance no longer fits its field."""
    if program == case.program:
        return None
    try:
        encode(program.instructions)
    except InputError:
        return None
    return replace(case, program=program)


def with_instructions(case: Case, insns: Sequence[Insn]) -> Case | None:
    """The same, of instructions changed in place."""
    return with_program(case, replace(case.program, instructions=tuple(insns)))


def jump_targets(insns: Sequence[Insn]) -> frozenset[int]:
    """Slots that some jump, call or load of a function names."""
    led_to = (target(insns[at], at) for at in starts(insns))
    return frozenset(to for to in led_to if to is not None)
