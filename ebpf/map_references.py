"""Which maps a program names: a map that no instruction names is none of the program's to the kernel
(resolve_pseudo_ldimm64, kernel/bpf/verifier.c)."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn


def is_map_load(insn: Insn) -> bool:
    """Whether it is the first slot of a load of a map's address, or of one in its value."""
    return insn.opcode == o.LD_IMM64 and insn.src in o.PSEUDO_MAPS


def map_loads(insns: Sequence[Insn]) -> list[tuple[int, Insn]]:
    """(slot, first slot's instruction) of each 64-bit load of a map's address or of an address in its
    value."""
    loads, slot = [], 0
    while slot < len(insns):
        insn = insns[slot]
        if is_map_load(insn):
            loads.append((slot, insn))
        if insn.opcode == o.LD_IMM64:
            slot += 1
        slot += 1
    return loads


def named_maps(insns: Sequence[Insn]) -> dict[int, int]:
    """The first slot that names each map, by the map's index, in the order of the slots."""
    named: dict[int, int] = {}
    for slot, insn in map_loads(insns):
        named.setdefault(insn.imm, slot)
    return named
