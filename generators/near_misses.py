"""Near misses: programs valid but for one instruction that breaks one named rule.

Each entry appends the breaking instruction at a place every path reaches, and notes it in the builder.  What
its rule says, and where the kernel checks it, is in :mod:`ebpf.rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ebpf import rules
from ebpf.contexts import CONTEXTS, AccessRefusal, ctx_access
from ebpf.isa import opcodes as o
from ebpf.program_rules import LEGACY_LOADS
from ebpf.rules import Rule
from generators import helper_misses, paths, resource_misses
from generators.builder import KEY_SLOT, Builder
from generators.dice import Dice
from generators.productions.calls import call_helper, map_and_key
from generators.productions.memory import SIZES
from generators.state import ANY, KnownPointer, PointerKind

UNTOUCHED = -256
"""A stack offset that no production writes."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """``apply`` breaks ``rule`` and returns the number of the breaking instruction, or None where it does not
    fit.

    ``license`` replaces the program's when given; ``first``: it comes before the program's own first
    instruction.
    """

    rule: Rule
    apply: Callable[[Builder, Dice], int | None]
    first: bool = False
    license: str | None = None


def _scalar(b: Builder, number: int = 1) -> int:
    """A register that holds a scalar; its old content is lost."""
    register = (b.free() or [0])[0]
    b.emit(o.MOV | o.K | o.ALU64, register, imm=number)
    b.set_number(register, number, number)
    return register


def _context(b: Builder) -> int | None:
    sources = b.state.pointers(PointerKind.CONTEXT)
    return sources[0] if sources else None


def _uninitialised(b: Builder, dice: Dice) -> int | None:
    return b.emit(dice.of((o.MOV, o.ADD, o.MOV)) | o.X | o.ALU64, 0, dice.of((2, 3, 4, 5, 6, 7, 8, 9)))


def _scratched(b: Builder, dice: Dice) -> int | None:
    call_helper(b, "get_prandom_u32")
    b.state.registers[0] = ANY
    return b.emit(o.MOV | o.X | o.ALU64, 0, 1 + dice.pick(5))


def _frame_pointer(b: Builder, dice: Dice) -> int | None:
    form = dice.pick(3)
    if form == 0:
        return b.emit(o.MOV | o.K | o.ALU64, 10)
    if form == 1:
        return b.emit(o.ADD | o.K | o.ALU64, 10, imm=-8)
    return b.emit(o.LDX | o.MEM | o.DW, 10, 10, -64)


def _stack_bounds(b: Builder, dice: Dice) -> int | None:
    code, offset = dice.of(((o.DW, 0), (o.DW, 8), (o.DW, -520), (o.W, -516), (o.B, 0), (o.DW, 1024)))
    return b.emit(o.ST | o.MEM | code, 10, 0, offset)


def _untouched_stack(b: Builder, dice: Dice) -> int | None:
    if b.privileged:
        return None
    code, size = dice.of(((o.DW, 8), (o.W, 4), (o.B, 1)))
    if dice.pick(3):
        # Something lies deeper: the slot exists then, and is known to hold nothing.
        b.emit(o.ST | o.MEM | o.DW, 10, 0, UNTOUCHED - 16)
    return b.emit(o.LDX | o.MEM | code, _scalar(b), 10, UNTOUCHED + size * dice.pick(8 // size))


def _misaligned_stack(b: Builder, dice: Dice) -> int | None:
    code, offset = dice.of(((o.DW, -12), (o.W, -10), (o.H, -5)))
    return b.emit(o.ST | o.MEM | code, 10, 0, UNTOUCHED + offset)


def _lookup(b: Builder) -> int:
    """A map lookup; R0 may be null.  The value's size in bytes."""
    b.emit(o.ST | o.MEM | o.W, 10, 0, KEY_SLOT)
    map_and_key(b, 0)
    call_helper(b, "map_lookup_elem")
    return b.maps[0].value_size


def _value_bounds(b: Builder, dice: Dice) -> int | None:
    code, size = dice.of(((o.B, 1), (o.DW, 8), (o.W, 4)))
    room = _lookup(b)
    b.leave_to_exit(o.JEQ | o.K | o.JMP, 0)
    offset = dice.of((room - size + 1, room, -1, -size))
    at = (
        b.emit(o.LDX | o.MEM | code, 0, 0, offset)
        if dice.pick(2)
        else b.emit(o.ST | o.MEM | code, 0, 0, offset)
    )
    b.emit(o.MOV | o.K | o.ALU64, 0)
    b.set_number(0)
    return at


def _lookup_anything(b: Builder) -> None:
    """A lookup with a key that is there, which nobody can know: since Linux 6.15 a constant key in an array's
    range gives no null."""
    call_helper(b, "get_prandom_u32")
    b.emit(o.AND | o.K | o.ALU64, 0, imm=1)
    b.emit(o.STX | o.MEM | o.W, 10, 0, KEY_SLOT)
    map_and_key(b, 0)
    call_helper(b, "map_lookup_elem")


def _unchecked_null(b: Builder, dice: Dice) -> int | None:
    _lookup_anything(b)
    return _dereference(b, dice)


def _dereference(b: Builder, dice: Dice) -> int:
    at = b.emit(o.LDX | o.MEM | o.B, 0, 0, dice.pick(8))
    b.set_number(0)
    return at


def _half_checked_null(b: Builder, dice: Dice) -> int | None:
    """Comparing only the low half proves nothing."""
    _lookup_anything(b)
    b.leave_to_exit(o.JEQ | o.K | o.JMP32, 0)
    return _dereference(b, dice)


def _null_arithmetic(b: Builder, dice: Dice) -> int | None:
    _lookup_anything(b)
    at = b.emit(o.ADD | o.K | o.ALU64, 0, imm=1 + dice.pick(8))
    b.emit(o.MOV | o.K | o.ALU64, 0)
    b.set_number(0)
    return at


def _number_dereferenced(b: Builder, dice: Dice) -> int | None:
    register = _scalar(b, dice.of((1, 0, 4096)))
    if dice.pick(2):
        return b.emit(o.ST | o.MEM | o.DW, register, 0, 0)
    return b.emit(o.LDX | o.MEM | o.W, register, register, 0)


def _context_access(b: Builder, dice: Dice) -> int | None:
    """Near a field, where the table gives none, or none of that size, or only to be read."""
    source = _context(b)
    if source is None:
        return None
    field = dice.of(CONTEXTS[b.type].fields)
    for _ in range(8):
        code, size = dice.of(SIZES)
        write = dice.pick(3) == 2
        offset = dice.of((field.offset, field.offset + field.size)) + dice.of((0, 1, -1, 4, -4, 8, -8))
        answer = ctx_access(b.type, b.attach_type, offset, size, write, b.privileged, b.profile.release)
        if isinstance(answer, AccessRefusal) and offset < 1 << 15:
            register = _scalar(b)
            if write:
                return b.emit(o.STX | o.MEM | code, source, register, offset)
            return b.emit(o.LDX | o.MEM | code, register, source, offset)
    return None


def _pointer_arithmetic(b: Builder, dice: Dice) -> int | None:
    register = (b.free() or [0])[0]
    b.emit(o.MOV | o.X | o.ALU64, register, 10)
    at = b.emit(dice.of((o.MUL, o.LSH, o.AND, o.DIV, o.XOR)) | o.K | o.ALU64, register, imm=2)
    b.emit(o.MOV | o.K | o.ALU64, register)
    b.set_number(register)
    return at


def _helper_argument(b: Builder, dice: Dice) -> int | None:
    form = dice.pick(3)
    if form == 0:
        b.emit(o.MOV | o.K | o.ALU64, 2)
    else:
        b.emit(o.MOV | o.X | o.ALU64, 2, 10)
        b.emit(o.ADD | o.K | o.ALU64, 2, imm=KEY_SLOT if form == 1 else -2)
    if form == 1:
        b.emit(o.ST | o.MEM | o.W, 10, 0, KEY_SLOT)
        b.emit(o.MOV | o.K | o.ALU64, 1)
    else:
        b.wide(1, 0, o.PSEUDO_MAP_FD)
    call_helper(b, "map_lookup_elem")
    at = len(b.insns) - 1
    b.emit(o.MOV | o.K | o.ALU64, 0)
    b.set_number(0)
    return at


def _unknown_helper(b: Builder, dice: Dice) -> int | None:
    at = b.emit(o.CALL | o.JMP, imm=dice.of((9999, 0, -1, 58)))
    b.state.call()
    b.set_number(0)
    return at


def _gpl_helper(b: Builder, dice: Dice) -> int | None:
    if not b.privileged:
        return None
    b.emit(o.MOV | o.X | o.ALU64, 1, 10)
    b.emit(o.ADD | o.K | o.ALU64, 1, imm=KEY_SLOT)
    b.emit(o.ST | o.MEM | o.DW, 10, 0, KEY_SLOT, 0)
    b.emit(o.MOV | o.K | o.ALU64, 2, imm=8)
    call_helper(b, "trace_printk")
    b.set_number(0)
    return len(b.insns) - 1


def _leak(b: Builder, dice: Dice) -> int | None:
    if b.privileged:
        return None
    if dice.pick(2):
        _lookup(b)
        b.leave_to_exit(o.JEQ | o.K | o.JMP, 0)
        at = b.emit(o.STX | o.MEM | o.DW, 0, 10, 0)
        b.emit(o.MOV | o.K | o.ALU64, 0)
        b.set_number(0)
        return at
    number = _scalar(b)
    b.emit(o.STX | o.MEM | o.DW, 10, 10, UNTOUCHED)
    return b.emit(o.LDX | o.MEM | o.W, number, 10, UNTOUCHED)


def _pointer_compared(b: Builder, dice: Dice) -> int | None:
    if b.privileged:
        return None
    return b.emit(dice.of((o.JEQ, o.JGT, o.JSLT)) | o.K | o.JMP, 10, 0, 0, dice.of((1, 2, 7)))


def _far_jump(b: Builder, dice: Dice) -> int | None:
    return b.emit(o.JEQ | o.K | o.JMP, _scalar(b), 0, dice.of((32000, -32000)))


def _jump_into_immediate(b: Builder, dice: Dice) -> int | None:
    # The jump is taken: before Linux 6.8 only the walk notices where it leads, not check_cfg.
    register = _scalar(b, 5)
    at = b.emit(o.JEQ | o.K | o.JMP, register, 0, 1, 5)
    b.wide(register, 1 << 40)
    b.set_number(register, 1 << 40, 1 << 40)
    return at


def _unreachable(b: Builder, dice: Dice) -> int | None:
    register = _scalar(b)
    b.emit(o.JA | o.JMP, off=1)
    return b.emit(o.MOV | o.K | o.ALU64, register, imm=2)


def _back_edge(b: Builder, dice: Dice) -> int | None:
    if b.privileged:
        return None
    register = _scalar(b, 0)
    b.emit(o.ADD | o.K | o.ALU64, register, imm=1)
    return b.emit(o.JLT | o.K | o.JMP, register, 0, -2, 2 + dice.pick(8))


def _endless(b: Builder, dice: Dice) -> int | None:
    if not b.privileged:
        return None
    return b.emit(o.JEQ | o.K | o.JMP, _scalar(b, 1), 0, -1, 1)


def _opcode(b: Builder, dice: Dice) -> int | None:
    return b.emit(dice.of((0xFF, 0x8F, 0xE7, 0xF6)))


def _reserved(b: Builder, dice: Dice) -> int | None:
    register = _scalar(b)
    form = dice.pick(4)
    if form == 0:
        return b.emit(o.MOV | o.K | o.ALU64, register, 1)
    if form == 1:
        return b.emit(o.ADD | o.X | o.ALU64, register, register, imm=1)
    if form == 2:
        return b.emit(o.NEG | o.K | o.ALU64, register, imm=1)
    return b.emit(o.JEQ | o.X | o.JMP, register, register, 0, 1)


def _zero_divisor(b: Builder, dice: Dice) -> int | None:
    return b.emit(dice.of((o.DIV, o.MOD)) | o.K | dice.of((o.ALU64, o.ALU)), _scalar(b))


def _shift(b: Builder, dice: Dice) -> int | None:
    wide = dice.pick(2) == 0
    imm = dice.of((64, -1, 100) if wide else (32, 63, -1))
    return b.emit(dice.of((o.LSH, o.RSH, o.ARSH)) | o.K | (o.ALU64 if wide else o.ALU), _scalar(b), imm=imm)


def _atomic_context(b: Builder, dice: Dice) -> int | None:
    source = _context(b)
    return None if source is None else b.emit(o.STX | o.ATOMIC | o.W, source, _scalar(b), 0, o.ADD)


def _packet_beyond(b: Builder, dice: Dice) -> int | None:
    sources = b.state.pointers(PointerKind.PACKET)
    if not sources:
        return None
    content = b.state.registers[sources[0]]
    return b.emit(
        o.LDX | o.MEM | o.DW, _scalar(b), sources[0], getattr(content, "size", 0) - dice.of((6, 0, 1))
    )


def _scratched_by_packet_load(b: Builder, dice: Dice) -> int | None:
    """Legacy packet loads scratch R1 to R5 as calls do."""
    if b.type not in LEGACY_LOADS or b.state.registers.get(6) != KnownPointer(PointerKind.CONTEXT):
        return None
    register = 1 + dice.pick(5)
    b.emit(o.MOV | o.K | o.ALU64, register, imm=7)
    b.emit(o.LD | o.ABS | o.B)
    b.state.call()
    b.state.registers[0] = ANY
    return b.emit(o.MOV | o.X | o.ALU64, 0, register)


def _key_out_of_range(b: Builder, dice: Dice) -> int | None:
    """A constant key that no element has: the lookup gives null, and nobody looks."""
    b.emit(o.ST | o.MEM | o.W, 10, 0, KEY_SLOT, b.maps[0].max_entries + dice.of((0, 1, 1000)))
    map_and_key(b, 0)
    call_helper(b, "map_lookup_elem")
    at = b.emit(o.LDX | o.MEM | o.B, 0, 0)
    b.set_number(0)
    return at


def _uninitialised_key(b: Builder, dice: Dice) -> int | None:
    if b.privileged:
        return None
    b.emit(o.MOV | o.X | o.ALU64, 2, 10)
    b.emit(o.ADD | o.K | o.ALU64, 2, imm=UNTOUCHED + 4 * dice.pick(2))
    b.wide(1, 0, o.PSEUDO_MAP_FD)
    call_helper(b, "map_lookup_elem")
    at = len(b.insns) - 1
    b.emit(o.MOV | o.K | o.ALU64, 0)
    b.set_number(0)
    return at


def _leak_by_atomic(b: Builder, dice: Dice) -> int | None:
    """A pointer is the operand, or what a compare-and-exchange compares with."""
    if b.privileged or not b.profile.knows("5.12"):
        return None
    b.emit(o.ST | o.MEM | o.DW, 10, 0, UNTOUCHED)
    form = dice.pick(3)
    if form == 0:
        b.emit(o.MOV | o.K | o.ALU64, 1)
        b.emit(o.MOV | o.X | o.ALU64, 0, 10)
        at = b.emit(o.STX | o.ATOMIC | o.DW, 10, 1, UNTOUCHED, o.CMPXCHG)
    else:
        b.emit(o.MOV | o.K | o.ALU64, 0)
        b.emit(o.MOV | o.X | o.ALU64, 1, 10)
        at = b.emit(o.STX | o.ATOMIC | o.DW, 10, 1, UNTOUCHED, o.XCHG if form == 1 else o.ADD | o.FETCH)
    for register in (0, 1):
        b.emit(o.MOV | o.K | o.ALU64, register)
        b.set_number(register)
    return at


NEAR_MISSES: tuple[NearMiss, ...] = (
    NearMiss(rules.UNINITIALISED_REGISTER, _uninitialised, first=True),
    NearMiss(rules.SCRATCHED_REGISTER, _scratched),
    NearMiss(rules.SCRATCHED_REGISTER, _scratched_by_packet_load),
    NearMiss(rules.FRAME_POINTER_WRITTEN, _frame_pointer),
    NearMiss(rules.STACK_BOUNDS, _stack_bounds),
    NearMiss(rules.UNINITIALISED_STACK, _untouched_stack),
    NearMiss(rules.MISALIGNED, _misaligned_stack),
    NearMiss(rules.MAP_VALUE_BOUNDS, _value_bounds),
    NearMiss(rules.NULL_DEREFERENCE, _unchecked_null),
    NearMiss(rules.NULL_DEREFERENCE, _half_checked_null),
    NearMiss(rules.POINTER_ARITHMETIC, _null_arithmetic),
    NearMiss(rules.SCALAR_DEREFERENCE, _number_dereferenced),
    NearMiss(rules.CONTEXT_BOUNDS, _context_access),
    NearMiss(rules.POINTER_ARITHMETIC, _pointer_arithmetic),
    NearMiss(rules.HELPER_ARGUMENT, _helper_argument),
    NearMiss(rules.HELPER_UNKNOWN, _unknown_helper),
    NearMiss(rules.HELPER_GPL, _gpl_helper, license="Proprietary"),
    NearMiss(rules.POINTER_LEAK, _leak),
    NearMiss(rules.POINTER_COMPARISON, _pointer_compared),
    NearMiss(rules.JUMP_OUT_OF_RANGE, _far_jump),
    NearMiss(rules.JUMP_INTO_IMMEDIATE, _jump_into_immediate),
    NearMiss(rules.UNREACHABLE, _unreachable),
    NearMiss(rules.BACK_EDGE, _back_edge),
    NearMiss(rules.INFINITE_LOOP, _endless),
    NearMiss(rules.UNKNOWN_OPCODE, _opcode),
    NearMiss(rules.RESERVED_FIELD, _reserved),
    NearMiss(rules.DIVISION_BY_ZERO, _zero_divisor),
    NearMiss(rules.INVALID_SHIFT, _shift),
    NearMiss(rules.ATOMIC_TARGET, _atomic_context),
    NearMiss(rules.PACKET_BOUNDS, _packet_beyond),
    NearMiss(rules.NULL_DEREFERENCE, _key_out_of_range),
    NearMiss(rules.UNINITIALISED_STACK, _uninitialised_key),
    NearMiss(rules.POINTER_LEAK, _leak_by_atomic),
    *(NearMiss(rules.MAP_VALUE_BOUNDS, paths.offset_by_path) for _ in range(6)),
    NearMiss(rules.MAP_VALUE_BOUNDS, paths.offset_too_large),
    NearMiss(rules.PACKET_BOUNDS, paths.packet_range_by_path),
    NearMiss(rules.REFERENCE_LEAK, resource_misses.leaked_record),
    NearMiss(rules.ZERO_SIZE, resource_misses.size_may_be_zero),
    NearMiss(rules.HELPER_ARGUMENT, helper_misses.number_for_pointer),
    NearMiss(rules.STACK_BOUNDS, helper_misses.beyond_the_frame),
    NearMiss(rules.STACK_BOUNDS, helper_misses.too_much),
    NearMiss(rules.HELPER_SIZE, helper_misses.unbounded_size),
    NearMiss(rules.HELPER_UNKNOWN, helper_misses.not_of_this_type),
)
"""One of these is chosen at random; what depends on the path has many forms, and more of the choices."""

UNPRIVILEGED: tuple[NearMiss, ...] = tuple(miss for miss in NEAR_MISSES if miss.rule.unprivileged)
"""Those that only programs without privilege can commit."""
