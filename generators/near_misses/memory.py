"""Near misses of memory: the stack, values of maps, null pointers, the context, the packet."""

from __future__ import annotations

from ebpf.contexts import CONTEXTS, AccessRefusal, ctx_access
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R10, add64, atomic, jump, jump32, load, mov64, store
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import UNTOUCHED
from generators.near_misses.table import context, look_up, look_up_anything, read_or_write, scalar, unwritten
from generators.state import PointerKind
from generators.steps import SIZES, anything_in, constant_key, map_and_key


def stack_bounds(b: Builder, dice: Dice) -> int | None:
    """A store beyond the frame."""
    code, offset = dice.of(((o.DW, 0), (o.DW, 8), (o.DW, -520), (o.W, -516), (o.B, 0), (o.DW, 1024)))
    return b.emit_breaking(store(code, R10, offset, 0))


def untouched_stack(b: Builder, dice: Dice) -> int | None:
    """Stack that nobody wrote is read, without privilege."""
    if b.privileged:
        return None
    code, size = dice.of(((o.DW, 8), (o.W, 4), (o.B, 1)))
    offset = unwritten(b, dice) + size * dice.pick(8 // size)
    register = scalar(b)
    at = b.emit_breaking(load(code, register, R10, offset))
    b.widen(register)
    return at


def misaligned_stack(b: Builder, dice: Dice) -> int | None:
    """A store whose offset is no multiple of its size."""
    code, offset = dice.of(((o.DW, -12), (o.W, -10), (o.H, -5)))
    return b.emit_breaking(store(code, R10, UNTOUCHED + offset, 0))


def value_bounds(b: Builder, dice: Dice) -> int | None:
    """An access just before or just beyond a map's value."""
    code, size = dice.of(((o.B, 1), (o.DW, 8), (o.W, 4)))
    room = look_up(b)
    b.leave_to_exit(jump(o.JEQ, R0, 0))
    offset = dice.of((room - size + 1, room, -1, -size))
    at = read_or_write(b, dice, R0, code, offset)
    anything_in(b, R0)
    return at


def _dereference(b: Builder, dice: Dice) -> int:
    at = b.emit(load(o.B, R0, R0, dice.pick(8)))
    b.widen(R0)
    return at


def unchecked_null(b: Builder, dice: Dice) -> int | None:
    """What a lookup gave is used as it is."""
    look_up_anything(b)
    return _dereference(b, dice)


def half_checked_null(b: Builder, dice: Dice) -> int | None:
    """Comparing only the low half proves nothing."""
    look_up_anything(b)
    b.leave_to_exit(jump32(o.JEQ, R0, 0))
    return _dereference(b, dice)


def key_out_of_range(b: Builder, dice: Dice) -> int | None:
    """A constant key that no element has: the lookup gives null, and nobody looks."""
    constant_key(b, b.maps[0].max_entries + dice.of((0, 1, 1000)))
    map_and_key(b, 0)
    b.call_helper("map_lookup_elem")
    at = b.emit(load(o.B, R0, R0, 0))
    b.widen(R0)
    return at


def null_arithmetic(b: Builder, dice: Dice) -> int | None:
    """A pointer is moved before it is compared with null."""
    look_up_anything(b)
    at = b.emit_breaking(add64(R0, 1 + dice.pick(8)))
    anything_in(b, R0)
    return at


def number_dereferenced(b: Builder, dice: Dice) -> int | None:
    """A scalar is used as a pointer."""
    register = scalar(b, dice.of((1, 0, 4096)))
    if dice.pick(2):
        return b.emit_breaking(store(o.DW, register, 0, 0))
    return b.emit_breaking(load(o.W, register, register, 0))


def context_access(b: Builder, dice: Dice) -> int | None:
    """Near a field, where the table gives none, or none of that size, or only to be read."""
    source = context(b)
    if source is None or not CONTEXTS[b.type].fields:
        return None
    field = dice.of(CONTEXTS[b.type].fields)
    for _ in range(8):
        code, size = dice.of(SIZES)
        write = dice.pick(3) == 2
        offset = dice.of((field.offset, field.offset + field.size)) + dice.of((0, 1, -1, 4, -4, 8, -8))
        answer = ctx_access(b.type, b.attach_type, offset, size, write, b.privileged, b.profile.release)
        if isinstance(answer, AccessRefusal) and offset < 1 << 15:
            register = scalar(b)
            insn = store(code, source, offset, register) if write else load(code, register, source, offset)
            at = b.emit_breaking(insn)
            b.widen(register)
            return at
    return None


def atomic_context(b: Builder, dice: Dice) -> int | None:
    """An atomic operation on the context."""
    source = context(b)
    return None if source is None else b.emit_breaking(atomic(o.ADD, o.W, source, 0, scalar(b)))


def packet_beyond(b: Builder, dice: Dice) -> int | None:
    """A load that ends behind what is proven of the packet."""
    sources = b.state.pointers(PointerKind.PACKET)
    if not sources:
        return None
    room = b.state.pointer(sources[0]).size
    register = scalar(b)
    at = b.emit_breaking(load(o.DW, register, sources[0], room - dice.of((6, 0, 1))))
    b.widen(register)
    return at


def leak(b: Builder, dice: Dice) -> int | None:
    """An address is written to a map's value, or read in part, without privilege."""
    if b.privileged:
        return None
    if dice.pick(2):
        look_up(b)
        b.leave_to_exit(jump(o.JEQ, R0, 0))
        at = b.emit_breaking(store(o.DW, R0, 0, R10))
        anything_in(b, R0)
        return at
    number = scalar(b)
    b.emit(store(o.DW, R10, UNTOUCHED, R10))
    b.drop_slot(UNTOUCHED)
    return b.emit_breaking(load(o.W, number, R10, UNTOUCHED))


def leak_by_atomic(b: Builder, dice: Dice) -> int | None:
    """A pointer is the operand, or what a compare-and-exchange compares with."""
    if b.privileged or not b.profile.knows("5.12"):
        return None
    b.emit(store(o.DW, R10, UNTOUCHED, 0))
    form = dice.pick(3)
    op = (o.CMPXCHG, o.XCHG, o.ADD | o.FETCH)[form]
    held, pointer = (R1, R0) if op == o.CMPXCHG else (R0, R1)
    b.emit(mov64(held, 0))
    b.emit(mov64(pointer, R10))
    at = b.emit_breaking(atomic(op, o.DW, R10, UNTOUCHED, R1))
    b.drop_slot(UNTOUCHED)
    for register in (R0, R1):
        anything_in(b, register)
    return at
