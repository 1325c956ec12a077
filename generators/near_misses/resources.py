"""Near misses with resources and sizes: a record of a ring buffer that is never given back, a size that may
be zero."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, alu64, jump, leave, load_map, mov64
from ebpf.maps import MapSpec, MapType
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import KEY_SLOT
from generators.near_misses.table import RARE, context
from generators.steps import to_stack


def leaked_record(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, with a reserved record in hand."""
    if not b.privileged or not b.profile.knows("5.8"):
        return None
    b.maps.append(MapSpec(MapType.RINGBUF, 0, 0, 4096, name="ring"))
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    b.emit_wide(load_map(R1, len(b.maps) - 1))
    b.emit(mov64(R2, 8 << dice.pick(4)))
    b.emit(mov64(R3, 0))
    b.call_helper("ringbuf_reserve")
    without = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    b.land(without)
    b.emit(mov64(R0, 0))
    return at


def size_may_be_zero(b: Builder, dice: Dice) -> int | None:
    """For a helper that wants at least one byte (ARG_CONST_SIZE)."""
    source = context(b)
    if not b.has_helper("skb_load_bytes") or source is None:
        return None
    b.call_helper("get_prandom_u32")
    b.emit(alu64(o.AND, R0, dice.of((7, 1, 3))))
    b.emit(mov64(R4, R0))
    b.emit(mov64(R1, source))
    b.emit(mov64(R2, 0))
    to_stack(b, R3, KEY_SLOT)
    at = b.call_helper("skb_load_bytes")
    b.emit(mov64(R0, 0))
    return at
