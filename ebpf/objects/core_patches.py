"""Instructions patched by CO-RE relocations (tools/lib/bpf/relo_core.c: bpf_core_patch_insn,
bpf_core_poison_insn; Linux 6.12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ebpf.btf.core import CoreRelocation, KernelTypes, Relocated, name_target, relocate
from ebpf.btf.reader import Btf, BtfError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.objects.functions import SLOT, ObjectFunction

POISON = Insn(o.CALL | o.JMP, 0, 0, 0, 195896080)
"""A call of no helper, whose number libbpf finds again in a log (0xbad2310, "bad relo")."""
_WIDTHS = {1: o.B, 2: o.H, 4: o.W, 8: o.DW}
_WORD = 1 << 32


def patch(
    insns: list[Insn],
    placed: Sequence[tuple[ObjectFunction, int]],
    names: dict[int, str],
    core: Sequence[CoreRelocation],
    btf: Btf,
    kernel: KernelTypes,
) -> tuple[tuple[int, str], ...]:
    """Every relocation of these functions, in place; returns (slot, what it names) where the kernel's types
    have no such thing.

    Raises :class:`BtfError` for what is not done.
    """
    missing = []
    for function, start in placed:
        for each in core:
            slot = each.offset // SLOT
            if each.section == names[function.section] and function.start <= slot < function.end:
                value, at = relocate(btf, each, kernel), slot - function.start + start
                _patch(insns, at, value)
                if value.new is None:
                    missing.append((at, name_target(btf, each)))
    return tuple(missing)


def _patch(insns: list[Insn], at: int, value: Relocated) -> None:
    insn = insns[at]
    if value.new is None:
        insns[at] = POISON
        if insn.opcode == o.LD_IMM64:
            insns[at + 1] = POISON
        return
    kind = insn.opcode & o.CLASS_MASK
    if insn.opcode == o.LD_IMM64:
        held = insn.imm % _WORD | insns[at + 1].imm % _WORD << 32
        _check(value, held, at, 64)
        insns[at] = replace(insn, imm=_signed(value.new))
        insns[at + 1] = replace(insns[at + 1], imm=_signed(value.new >> 32))
    elif kind in (o.ALU, o.ALU64) and not insn.opcode & o.X:
        _check(value, insn.imm, at, 32)
        insns[at] = replace(insn, imm=_signed(value.new))
    elif kind in (o.LDX, o.ST, o.STX):
        _check(value, insn.off, at, 16)
        if value.new > 0x7FFF:
            raise BtfError(
                f"CO-RE relocation, slot {at}", f"an offset of {value.new} does not fit the instruction"
            )
        opcode = insn.opcode
        if value.old_size and value.new_size and value.old_size != value.new_size:
            if value.new_size not in _WIDTHS:
                raise BtfError(f"CO-RE relocation, slot {at}", f"no load or store of {value.new_size} bytes")
            opcode = opcode & ~o.SIZE_MASK | _WIDTHS[value.new_size]
        insns[at] = replace(insn, opcode=opcode, off=value.new)
    else:
        raise BtfError(f"CO-RE relocation, slot {at}", f"opcode {insn.opcode:#04x} holds no such number")


def _check(value: Relocated, held: int, at: int, bits: int) -> None:
    """What the compiler left must be what its own types say."""
    if value.checked and (held - value.old) % (1 << bits):
        raise BtfError(
            f"CO-RE relocation, slot {at}", f"the instruction holds {held}, its types say {value.old}"
        )


def _signed(number: int) -> int:
    number %= _WORD
    return number - _WORD if number >> 31 else number
