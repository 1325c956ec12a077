"""One eBPF instruction slot: 64 bits, as the kernel's ``struct bpf_insn`` and RFC 9669 section 3 lay them
out.

::

    bits    0-7      8-11   12-15   16-31   32-63
            opcode   dst    src     off     imm

On a little-endian machine dst is the low half of its byte and the higher bytes of ``off`` and ``imm`` come
last; on a big-endian one dst is the high half and they come first.

``off`` and ``imm`` are signed.  The 64-bit immediate load takes two slots; the second holds the upper 32 bits
in ``imm`` and zero elsewhere (RFC 9669, section 5.4).  Here each slot is an :class:`Insn` of its own, so that
a position in a tuple of slots is the number that jump offsets and the kernel's log count in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError
from ebpf.isa import opcodes as o

SLOTS = {order: order.layout("BBhi") for order in ByteOrder}
_SHIFTS = {ByteOrder.LITTLE: (0, 4), ByteOrder.BIG: (4, 0)}
"""Of dst and src in their byte."""


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

    def calls_helper(self, *numbers: int) -> bool:
        """Whether it calls one of these helpers."""
        return self.opcode == o.CALL | o.JMP and self.src == o.CALL_HELPER and self.imm in numbers

    @property
    def names_kernel(self) -> bool:
        """Whether ``imm`` is an id in the kernel's BTF: of a function that it calls, or of a variable whose
        address it loads (BPF_PSEUDO_BTF_ID)."""
        return self.calls_kernel or (self.opcode == o.LD_IMM64 and self.src == o.PSEUDO_BTF_ID)

    def encode(self, order: ByteOrder = ByteOrder.LITTLE) -> bytes:
        """The eight bytes.  Raises :class:`InputError` naming the field that does not fit."""
        try:
            if (self.dst | self.src) & ~15:
                # Packed, a register number of more than four bits would leak into the other one.
                raise struct.error
            dst, src = _SHIFTS[order]
            return SLOTS[order].pack(self.opcode, self.dst << dst | self.src << src, self.off, self.imm)
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


def encode(insns: Iterable[Insn], order: ByteOrder = ByteOrder.LITTLE) -> bytes:
    """The slots one after the other, as bpf(2) takes them on a machine of that order.  Raises
    :class:`InputError` naming the field that does not fit."""
    insns, pack = tuple(insns), SLOTS[order].pack
    dst, src = _SHIFTS[order]
    try:
        slots = [
            pack(insn.opcode, insn.dst << dst | insn.src << src, insn.off, insn.imm)
            for insn in insns
            if not (insn.dst | insn.src) & ~15
        ]
    except struct.error:
        slots = []
    # One by one where something does not fit, to name it.
    return b"".join(slots if len(slots) == len(insns) else [insn.encode(order) for insn in insns])


def decode(code: bytes, order: ByteOrder = ByteOrder.LITTLE) -> tuple[Insn, ...]:
    """Slots from bytes.  Raises :class:`InputError` when the length is not a multiple of eight."""
    if len(code) % 8:
        raise InputError(f"instructions are 8 bytes each; {len(code)} bytes end inside slot {len(code) // 8}")
    dst, src = _SHIFTS[order]
    return tuple(
        [
            Insn(opcode, registers >> dst & 15, registers >> src & 15, off, imm)
            for opcode, registers, off, imm in SLOTS[order].iter_unpack(code)
        ]
    )
