"""What a program must know of the machine that it is made for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ebpf.byte_order import ByteOrder
from ebpf.program import NO_FLAGS, LoadFlag


@dataclass(frozen=True, slots=True)
class TargetMachine:
    """One kind of machine, as its kernels' verifier sees it."""

    byte_order: ByteOrder = ByteOrder.LITTLE
    strict_alignment: bool = False
    """Whether its kernels are built without CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS: their verifier then
    refuses accesses that are not aligned, as with BPF_F_STRICT_ALIGNMENT (kernel/bpf/verifier.c,
    bpf_check)."""
    registers_known: bool = True
    """Whether its ``struct pt_regs`` is the one of :mod:`ebpf.contexts.tracing`."""
    verifier_extends: bool = False
    """Whether its JIT leaves it to the verifier to zero-extend 32-bit results (bpf_jit_needs_zext)."""

    def flags(self, privileged: bool) -> LoadFlag:
        """The flags of a program that accesses what it likes: whoever may (kernel/bpf/syscall.c,
        bpf_prog_load) has no alignment asked of them, and the others say what will be."""
        if not self.strict_alignment:
            return NO_FLAGS
        return LoadFlag.ANY_ALIGNMENT if privileged else LoadFlag.STRICT_ALIGNMENT


REFERENCE_MACHINE: Final = TargetMachine()
"""The one that tables are of where they do not say otherwise: x86-64."""
