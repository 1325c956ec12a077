"""How a program begins: R6 = the context, and 64 bytes of input that nobody knows."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R6,
    R7,
    R8,
    R9,
    R10,
    add64,
    jump,
    load,
    mov64,
    store,
)  # fmt: skip
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import INPUT_BASE, INPUT_BYTES
from generators.settings import PacketEntry
from generators.state import PointerKind
from generators.steps import constant_key, map_and_key, to_stack, within_packet
from generators.transfer.memory import packet_fields


def prologue(b: Builder, dice: Dice, entry: PacketEntry) -> None:
    """R6 = the context, 64 bytes of input where ``entry`` puts them, and two words of it in R0 and R8."""
    b.emit(mov64(R6, R1))
    b.drop(R1)
    _PROLOGUES[entry](b, dice)
    source, base = (R7, 0) if entry is PacketEntry.DIRECT else (R10, INPUT_BASE)
    for number, register in enumerate((R0, R8)):
        b.emit(load(o.DW, register, source, base + 8 * number))


def copy_packet(b: Builder) -> None:
    """64 bytes of packet to the stack: bpf_skb_load_bytes works for every socket buffer program, privileged
    or not."""
    b.emit(mov64(R2, 0))
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, INPUT_BYTES))
    b.call_helper("skb_load_bytes")
    b.leave_to_exit(jump(o.JNE, R0, 0))


def _look_up_value(b: Builder, dice: Dice) -> None:
    """R7 = the value of map 0, 64 bytes, all of it copied to the stack."""
    constant_key(b, 0)
    map_and_key(b, 0)
    b.call_helper("map_lookup_elem")
    b.leave_to_exit(jump(o.JEQ, R0, 0))
    b.emit(mov64(R7, R0))
    b.drop(R0)
    _copy_to_stack(b)


def _find_packet(b: Builder, dice: Dice) -> None:
    """R7 = data, R9 = data_end, 72 bytes proven; then some words copied to the stack."""
    fields = {kind: offset for offset, kind in packet_fields(b.type).items()}
    b.emit(load(o.W, R7, R6, fields[PointerKind.PACKET]))
    b.emit(load(o.W, R9, R6, fields[PointerKind.PACKET_END]))
    b.emit(mov64(R2, R7))
    b.emit(add64(R2, 72))
    within_packet(b, dice, R2, R9)
    b.drop(R2)
    if dice.pick(2):
        _copy_to_stack(b)


def _copy_to_stack(b: Builder) -> None:
    """64 bytes from R7 on."""
    for offset in range(0, INPUT_BYTES, 8):
        b.emit(load(o.DW, R3, R7, offset))
        b.emit(store(o.DW, R10, INPUT_BASE + offset, R3))


_PROLOGUES: dict[PacketEntry, Callable[[Builder, Dice], None]] = {
    PacketEntry.COPIED: lambda b, dice: copy_packet(b),
    PacketEntry.DIRECT: _find_packet,
    PacketEntry.LOOKED_UP: _look_up_value,
}
