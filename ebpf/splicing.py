"""Slots of a whole program replaced: what names slots by number moves with them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ebpf.editing import Edit, Moves, rewrite, target
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
    return rewritten(program, {at: Edit(count, new)})


def guarded(program: Program, at: int, new: Sequence[Insn]) -> Program:
    """The program with instructions before slot ``at``, which every way there leads through."""
    return rewritten(program, {at: Edit(0, new)})


def rewritten(program: Program, edits: Mapping[int, Edit]) -> Program:
    """The program with all the edits made at once; a function that begins at one begins with what is new
    there."""
    insns = program.instructions
    moves = Moves.after(len(insns), edits)
    kfuncs = tuple((placed, name) for at, name in program.kfuncs if (placed := moves.placed[at]) is not None)
    info = program.func_info
    if info is not None:
        records = FUNCTION.iter_unpack(info)
        info = b"".join(FUNCTION.pack(moves.entered[start], kind) for start, kind in records)
    return replace(program, instructions=rewrite(insns, edits, moves), kfuncs=kfuncs, func_info=info)


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
