"""One eBPF instruction slot: 64 bits, as the kernel's ``struct bpf_insn`` and RFC 9669 section 3 lay them
out.

::

    bits    0-7      8-11   12-15   16-31   32-63
            opcode   dst    src     off     imm        (little-endian host: dst is the low nibble)

``off`` and ``imm`` are signed.  The 64-bit immediate load takes two slots; the second holds the upper 32 bits
in ``imm`` and zero elsewhere (RFC 9669, section 5.4).  Here each slot is an :class:`Insn` of its own, so that
a position in a tuple of slots is the number that jump offsets and the kernel's log count in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from ebpf.byte_order import PROGRAM_ORDER
from ebpf.errors import InputError
from ebpf.isa import opcodes as o

SLOT = PROGRAM_ORDER.layout("BBhi")


@dataclass(frozen=True, slots=True)
class Insn:
    """One slot.  ``opcode`` 0..255, ``dst`` and ``src`` 0..15, ``off`` signed 16 bits, ``imm`` signed 32
    bits."""

    opcode: int
    dst: int = 0
    src: int = 0
    off: int = 0
    imm: int = 0

    @property
    def loads_function(self) -> bool:
        """Whether it is the first slot of a load of a function's address (BPF_PSEUDO_FUNC)."""
        return self.opcode == o.LD_IMM64 and self.src == o.PSEUDO_FUNC

    @property
    def names_subprogram(self) -> bool:
        """Whether ``imm`` is the distance to a subprogram: a local call, or a load of a function's
        address."""
        return self.loads_function or (self.opcode == o.CALL | o.JMP and self.src == o.CALL_LOCAL)

    @property
    def calls_kernel(self) -> bool:
        """Whether it calls a kernel function (BPF_PSEUDO_KFUNC_CALL)."""
        return self.opcode == o.CALL | o.JMP and self.src == o.CALL_KFUNC

    def encode(self) -> bytes:
        """The eight bytes, little-endian.  Raises :class:`InputError` naming the field that does not fit."""
        try:
            if (self.dst | self.src) & ~15:
                # Packed, a register number of more than four bits would leak into the other one.
                raise struct.error
            return SLOT.pack(self.opcode, self.dst | self.src << 4, self.off, self.imm)
        except struct.error:
            raise InputError(f"instruction field does not fit: {self._misfit()}") from None

    def _misfit(self) -> str:
        limits = {
            "opcode": (0, 255),
            "dst": (0, 15),
            "src": (0, 15),
            "off": (-(1 << 15), (1 << 15) - 1),
            "imm": (-(1 << 31), (1 << 31) - 1),
        }
        return ", ".join(
            f"{name} = {getattr(self, name)} is not in {low}..{high}"
            for name, (low, high) in limits.items()
            if not low <= getattr(self, name) <= high
        )


def encode(insns: Iterable[Insn]) -> bytes:
    """The slots one after the other, as bpf(2) takes them."""
    return b"".join([insn.encode() for insn in insns])


def decode(code: bytes) -> tuple[Insn, ...]:
    """Slots from bytes.  Raises :class:`InputError` when the length is not a multiple of eight."""
    if len(code) % 8:
        raise InputError(f"instructions are 8 bytes each; {len(code)} bytes end inside slot {len(code) // 8}")
    return tuple(
        [Insn(opcode, regs & 15, regs >> 4, off, imm) for opcode, regs, off, imm in SLOT.iter_unpack(code)]
    )
