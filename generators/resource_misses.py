"""Near misses with resources and sizes: a record of a ring buffer that is never given back, a size that may
be zero."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.maps import MapSpec, MapType
from generators.builder import KEY_SLOT, Builder
from generators.dice import Dice
from generators.productions.calls import call_helper
from generators.state import PointerKind

RARE = 0x1234567
"""A random number that no run draws."""


def leaked_record(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, with a reserved record in hand."""
    if not b.privileged or not b.profile.knows("5.8"):
        return None
    b.maps.append(MapSpec(MapType.RINGBUF, 0, 0, 4096, name="ring"))
    call_helper(b, "get_prandom_u32")
    over = b.emit(o.JEQ | o.K | o.JMP, 0, 0, 0, RARE)
    b.wide(1, len(b.maps) - 1, o.PSEUDO_MAP_FD)
    b.emit(o.MOV | o.K | o.ALU64, 2, imm=8 << dice.pick(4))
    b.emit(o.MOV | o.K | o.ALU64, 3)
    call_helper(b, "ringbuf_reserve")
    b.emit(o.JEQ | o.K | o.JMP, 0, 0, 2)
    b.emit(o.MOV | o.K | o.ALU64, 0)
    at = b.emit(o.EXIT | o.JMP)
    b.land(over)
    b.emit(o.MOV | o.K | o.ALU64, 0)
    b.set_number(0, 0, 0)
    return at


def size_may_be_zero(b: Builder, dice: Dice) -> int | None:
    """For a helper that wants at least one byte (ARG_CONST_SIZE)."""
    sources = b.state.pointers(PointerKind.CONTEXT)
    if not b.has_helper("skb_load_bytes") or not sources:
        return None
    call_helper(b, "get_prandom_u32")
    b.emit(o.AND | o.K | o.ALU64, 0, imm=dice.of((7, 1, 3)))
    b.emit(o.MOV | o.X | o.ALU64, 4, 0)
    b.emit(o.MOV | o.X | o.ALU64, 1, sources[0])
    b.emit(o.MOV | o.K | o.ALU64, 2)
    b.emit(o.MOV | o.X | o.ALU64, 3, 10)
    b.emit(o.ADD | o.K | o.ALU64, 3, imm=KEY_SLOT)
    call_helper(b, "skb_load_bytes")
    at = len(b.insns) - 1
    b.emit(o.MOV | o.K | o.ALU64, 0)
    b.set_number(0, 0, 0)
    return at
