"""What assembly text gives: slots, and the kernel functions that it calls by name."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.isa.insn import Insn


@dataclass(frozen=True, slots=True)
class Assembled:
    """The code of a program, before it has a type or maps."""

    instructions: tuple[Insn, ...]
    kfuncs: tuple[tuple[int, str], ...] = ()
    """(slot, name): their numbers differ from kernel to kernel, and are filled in from each one's BTF."""
