"""The same instructions loaded otherwise: states kept more often, and with more privilege."""

from __future__ import annotations

from dataclasses import replace

from ebpf.editing import Edit
from ebpf.isa.build import goto
from ebpf.liveness import starts
from ebpf.program import Case, LoadFlag
from ebpf.splicing import is_movable, rewritten, with_program

_MOST = 256
"""Slots of a program in which states are kept before every instruction."""


def toggle_state_frequency(case: Case) -> Case | None:
    """With BPF_F_TEST_STATE_FREQ where it was without, and the other way round; privileged only, as others
    may not (kernel/bpf/verifier.c, bpf_check())."""
    if case.capabilities is not None:
        return None
    return with_program(case, replace(case.program, flags=case.program.flags ^ LoadFlag.TEST_STATE_FREQ))


def keep_states_everywhere(case: Case) -> Case | None:
    """A jump to the next instruction before every instruction, where a state is kept and compared each
    time."""
    program = case.program
    if case.capabilities is not None or not is_movable(program) or len(program.instructions) > _MOST:
        return None
    jumps = {at: Edit(0, (goto(),)) for at in starts(program.instructions)[1:]}
    flags = program.flags | LoadFlag.TEST_STATE_FREQ
    return with_program(case, replace(rewritten(program, jumps), flags=flags))


def add_privilege(case: Case) -> Case | None:
    """Loaded by root."""
    return None if case.capabilities is None else replace(case, capabilities=None)
