"""Near misses with what has a lifetime: a record of a ring buffer, a socket, packet pointers."""

from __future__ import annotations

from ebpf.contexts import CONTEXTS, ctx_access
from ebpf.contexts.field import ContextField, ContextFieldKind
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, Register, jump, load, load_map, mov64, store
from ebpf.maps import MapSpec, MapType
from generators.builder import Builder
from generators.dice import Dice
from generators.near_misses.table import breaking_call, context, rarely, read_or_write, scalar
from generators.scopes import PendingJump
from generators.state import PointerKind
from generators.steps import SIZES, anything_in

_SIZE = 16
"""Bytes of a record."""
_SOCKETS = (ContextFieldKind.SOCKET, ContextFieldKind.SOCKET_OR_NULL, ContextFieldKind.SOCK_COMMON_OR_NULL)
_RESIZERS = ("skb_pull_data", "skb_change_tail", "xdp_adjust_head", "xdp_adjust_tail", "skb_change_head")
"""Helpers of two or three numbers after the context that may move the packet."""


def _record(b: Builder) -> tuple[Register, PendingJump] | None:
    """A record of a ring buffer in a register that calls preserve; the jump is taken where there is none."""
    saved = [register for register in b.state.free() if register > 5]
    if not saved or not b.privileged or not b.profile.knows("5.8"):
        return None
    b.maps.append(MapSpec(MapType.RINGBUF, 0, 0, 4096, name="ring"))
    b.emit_wide(load_map(R1, len(b.maps) - 1))
    b.emit(mov64(R2, _SIZE))
    b.emit(mov64(R3, 0))
    b.call_helper("ringbuf_reserve")
    without = b.branch(jump(o.JEQ, R0, 0))
    b.emit(mov64(saved[-1], R0))
    b.drop(R0)
    return saved[-1], without


def _give_back(b: Builder, record: Register) -> None:
    b.emit(mov64(R1, record))
    b.emit(mov64(R2, 0))
    b.call_helper("ringbuf_submit")


def _finish(b: Builder, record: Register, without: PendingJump) -> None:
    b.drop(record)
    anything_in(b, R0)
    b.land(without)


def beyond_the_record(b: Builder, dice: Dice) -> int | None:
    """An access behind or before a record."""
    held = _record(b)
    if held is None:
        return None
    record, without = held
    code, size = dice.of(SIZES)
    offset = dice.of((_SIZE, _SIZE - size + 1, -size, _SIZE + 4096))
    at = read_or_write(b, dice, record, code, offset)
    _give_back(b, record)
    _finish(b, record, without)
    return at


def used_after_submit(b: Builder, dice: Dice) -> int | None:
    """A record is read, or submitted again, when it was given back."""
    held = _record(b)
    if held is None:
        return None
    record, without = held
    _give_back(b, record)
    if dice.pick(2):
        at = b.emit_breaking(load(o.B, R0, record, dice.pick(_SIZE)))
    else:
        over = rarely(b)
        b.emit_breaking(mov64(R1, record))
        b.emit(mov64(R2, 0))
        at = breaking_call(b, "ringbuf_submit")
        b.land(over)
    _finish(b, record, without)
    return at


def _socket(b: Builder, dice: Dice, register: Register) -> bool:
    """A socket of the context, which nobody acquired, in ``register``; the program leaves where there is
    none."""
    source = context(b)
    fields = [
        field
        for field in CONTEXTS[b.type].fields
        if field.kind in _SOCKETS
        and isinstance(
            ctx_access(b.type, b.attach_type, field.offset, 8, False, b.privileged, b.profile.release),
            ContextField,
        )
    ]
    if source is None or not fields:
        return False
    b.emit(load(o.DW, register, source, dice.of(fields).offset))
    if b.state.pointer(register).nullable:
        b.leave_to_exit(jump(o.JEQ, register, 0))
    return True


def unreferenced_released(b: Builder, dice: Dice) -> int | None:
    """A socket is released that nobody acquired."""
    if not b.privileged or not b.has_helper("sk_release") or not _socket(b, dice, R1):
        return None
    saved = [register for register in b.state.free() if register > 5]
    if not saved:
        return None
    b.emit(mov64(saved[-1], R1))
    over = rarely(b)
    b.emit(mov64(R1, saved[-1]))
    at = breaking_call(b, "sk_release")
    b.land(over)
    b.drop(saved[-1])
    anything_in(b, R0)
    return at


def beyond_the_socket(b: Builder, dice: Dice) -> int | None:
    """A socket is read where it has nothing, or written."""
    register = scalar(b)
    if not _socket(b, dice, register):
        return None
    insn = (
        load(o.W, register, register, dice.of((1000, 2, -4))) if dice.pick(2) else store(o.W, register, 0, 0)
    )
    at = b.emit_breaking(insn)
    anything_in(b, register)
    return at


def stale_packet_pointer(b: Builder, dice: Dice) -> int | None:
    """A packet pointer is used after a call that may have moved the packet."""
    sources = [register for register in b.state.pointers(PointerKind.PACKET) if register > 5]
    source, helpers = context(b), [name for name in _RESIZERS if b.has_helper(name)]
    if not sources or not helpers or source is None or not b.privileged:
        return None
    b.emit(mov64(R1, source))
    b.emit(mov64(R2, 0))
    b.emit(mov64(R3, 0))
    b.call_helper(dice.of(helpers))
    return b.emit_breaking(load(o.B, R0, sources[0], 0))
