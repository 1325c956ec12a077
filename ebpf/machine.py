"""What a program must know of the machine that it is made for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ebpf.byte_order import ByteOrder
from ebpf.program import NO_FLAGS, LoadFlag


@dataclass(frozen=True, slots=True)
class Machine:
    """One kind of machine, as its kernels' verifier sees it."""

    byte_order: ByteOrder = ByteOrder.LITTLE
    strict_alignment: bool = False
    """Whether its kernels are built without CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS: their verifier then
    refuses accesses that are not aligned, as with BPF_F_STRICT_ALIGNMENT (kernel/bpf/verifier.c,
    bpf_check)."""
    registers_known: bool = True
    """Whether its ``struct pt_regs`` is the one of :mod:`ebpf.contexts.tracing`."""

    @property
    def flags(self) -> LoadFlag:
        """The flag with which any kernel does what this machine's do."""
        return LoadFlag.STRICT_ALIGNMENT if self.strict_alignment else NO_FLAGS


REFERENCE_MACHINE: Final = Machine()
"""The one that tables are of where they do not say otherwise: x86-64."""
