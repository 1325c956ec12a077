"""Maps named by their index in a load's array of descriptors, or by a descriptor: the same program either way
(kernel/bpf/verifier.c: resolve_pseudo_ldimm64)."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.program import Program

_DESCRIPTORS = {o.PSEUDO_MAP_IDX: o.PSEUDO_MAP_FD, o.PSEUDO_MAP_IDX_VALUE: o.PSEUDO_MAP_VALUE}


def with_descriptors(program: Program) -> Program:
    """The program without an array of descriptors, for formats that have none."""
    instructions = tuple(
        replace(insn, src=_DESCRIPTORS.get(insn.src, insn.src)) if insn.opcode == o.LD_IMM64 else insn
        for insn in program.instructions
    )
    return replace(program, instructions=instructions)
