"""Near misses with pointers: moved too far, spilled in part, taken for one another."""

from __future__ import annotations

from ebpf.contexts import CONTEXTS, AccessRefusal, ctx_access
from ebpf.contexts.field import ContextField, ContextFieldKind
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, Register, add64, alu64, jump, load, mov64, store
from ebpf.program_types import ProgramType
from generators.builder import Builder
from generators.dice import Dice
from generators.layout import INPUT_BASE, UNTOUCHED
from generators.near_misses.table import context, look_up_anything, scalar, unknown_input
from generators.state import KnownPointer, PointerKind
from generators.steps import anything_in


def moved_too_far(b: Builder, dice: Dice) -> int | None:
    """A pointer is moved by 1 << 29 bytes or more."""
    register = scalar(b)
    sources = [R10, *b.state.pointers(PointerKind.MAP_VALUE)]
    b.emit(mov64(register, dice.of(sources)))
    at = b.emit_breaking(add64(register, dice.of((1 << 29, -(1 << 29), (1 << 31) - 1, -(1 << 31)))))
    anything_in(b, register)
    return at


def checked_otherwise(b: Builder, dice: Dice) -> int | None:
    """A comparison proves that a pointer is not null, but not in the one way that kernels know."""
    if not b.privileged:
        return None
    look_up_anything(b)
    b.leave_to_exit(dice.of((jump(o.JLT, R0, 1), jump(o.JLE, R0, 0))))
    at = b.emit_breaking(load(o.B, R0, R0, dice.pick(8)))
    anything_in(b, R0)
    return at


def _number_field(b: Builder, dice: Dice, least: int) -> ContextField | None:
    """A field of four bytes that may be read as a number, at ``least`` or behind it."""
    fields = [
        field
        for field in CONTEXTS[b.type].fields
        if field.offset >= least and field.size >= 4 and field.offset % 4 == 0
        and not isinstance(
            ctx_access(b.type, b.attach_type, field.offset, 4, False, b.privileged, b.profile.release),
            AccessRefusal,
        )
        and field.kind is ContextFieldKind.NUMBER
    ]  # fmt: skip
    return dice.of(fields) if fields else None


def modified_context(b: Builder, dice: Dice) -> int | None:
    """A field is read through a context pointer that was moved (which 7.1 and later follow)."""
    source, field = context(b), _number_field(b, dice, 4)
    if source is None or field is None or b.profile.knows("7.1") or b.type is ProgramType.SYSCALL:
        return None
    register = scalar(b)
    b.emit(mov64(register, source))
    b.emit(add64(register, 4))
    at = b.emit_breaking(load(o.W, register, register, field.offset - 4))
    anything_in(b, register)
    return at


_FIXED = (ContextFieldKind.FLOW_KEYS, ContextFieldKind.SOCKET, ContextFieldKind.SOCKET_OR_NULL,
          ContextFieldKind.SOCK_COMMON_OR_NULL)  # fmt: skip
"""Pointers of the context that only constants may move, if anything."""


def moved_by_a_number(b: Builder, dice: Dice) -> int | None:
    """What only constants may move is moved by a number of the input: sockets and flow keys of the
    context."""
    source, index = context(b), scalar(b)
    free = [register for register in b.state.free() if register != index]
    fields = [
        field for field in CONTEXTS[b.type].fields if field.kind in _FIXED and b.profile.knows(field.since)
    ]
    if source is None or not free or not b.privileged or not fields:
        return None
    pointer = free[0]
    if not _unknown_byte(b, dice, index):
        return None
    b.emit(alu64(o.AND, index, dice.of((1, 4, 8))))
    b.emit(load(o.DW, pointer, source, dice.of(fields).offset))
    content = b.state.registers[pointer]
    if isinstance(content, KnownPointer) and content.nullable:
        b.leave_to_exit(jump(o.JEQ, pointer, 0))
    at = b.emit_breaking(alu64(o.ADD, pointer, index))
    b.emit_breaking(load(o.B, pointer, pointer, 0))
    anything_in(b, pointer)
    return at


def spilled_in_part(b: Builder, dice: Dice) -> int | None:
    """A pointer is stored, or read back, in part."""
    if not b.privileged:
        return None
    register = scalar(b)
    code = dice.of((o.W, o.H, o.B))
    if dice.pick(2):
        at = b.emit_breaking(store(code, R10, UNTOUCHED, R10))
    else:
        b.emit(store(o.DW, R10, UNTOUCHED, R10))
        at = b.emit_breaking(load(code, register, R10, UNTOUCHED))
    b.drop_slot(UNTOUCHED)
    anything_in(b, register)
    return at


def _unknown_byte(b: Builder, dice: Dice, register: Register) -> bool:
    slots = unknown_input(b)
    if slots:
        b.emit(load(o.B, register, R10, dice.of(slots) + dice.pick(8)))
    return bool(slots)


def variable_stack(b: Builder, dice: Dice) -> int | None:
    """The stack at a place that depends on a number, without privilege."""
    index, free = scalar(b), b.state.free()
    if b.privileged or len(free) < 2 or not _unknown_byte(b, dice, index):
        return None
    pointer = next(register for register in free if register != index)
    b.emit(alu64(o.AND, index, dice.of((7, 8, 1))))
    b.emit(mov64(pointer, R10))
    b.emit(add64(pointer, INPUT_BASE))
    b.emit_breaking(alu64(o.ADD, pointer, index))
    at = b.emit_breaking(load(o.B, pointer, pointer, 0))
    for register in (pointer, index):
        anything_in(b, register)
    return at


def mixed(b: Builder, dice: Dice) -> int | None:
    """One load reads the context on one path and the stack on the other."""
    source, field = context(b), _number_field(b, dice, 0)
    free = b.state.free()
    if source is None or field is None or len(free) < 2 or not b.privileged:
        return None
    chosen, pointer = free[:2]
    if not _unknown_byte(b, dice, chosen):
        return None
    b.emit(mov64(pointer, source))
    over = b.branch(jump(o.JGT, chosen, 64 + dice.pick(128)))
    b.emit(mov64(pointer, R10))
    b.emit(add64(pointer, INPUT_BASE - field.offset))
    b.land(over)
    at = b.emit_breaking(load(o.W, pointer, pointer, field.offset))
    for register in (pointer, chosen):
        anything_in(b, register)
    return at
