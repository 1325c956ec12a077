"""Near misses of one instruction: registers, operands, jumps, and forms that are none."""

from __future__ import annotations

from dataclasses import replace

from ebpf.contexts import CONTEXTS, ctx_access
from ebpf.contexts.field import ContextField, ContextFieldKind
from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R6,
    R10,
    REGISTERS,
    add64,
    alu64,
    goto,
    jump,
    leave,
    load,
    load_imm64,
    load_packet,
    mov64,
    neg,
)  # fmt: skip
from ebpf.isa.insn import Insn
from ebpf.program_rules import COMPLEXITY_LIMIT, LEGACY_LOADS
from generators.builder import Builder
from generators.dice import Dice
from generators.near_misses.table import RARE, scalar
from generators.state import CONTEXT
from generators.steps import alu, anything_in


def uninitialised(b: Builder, dice: Dice) -> int | None:
    """A register that was never written is read."""
    op = dice.of((o.MOV, o.ADD, o.MOV))
    return b.emit_breaking(alu64(op, R0, dice.of(REGISTERS[2:10])))


def scratched(b: Builder, dice: Dice) -> int | None:
    """A register that a call scratched is read."""
    b.call_helper("get_prandom_u32")
    return b.emit_breaking(mov64(R0, REGISTERS[1 + dice.pick(5)]))


def scratched_by_packet_load(b: Builder, dice: Dice) -> int | None:
    """Legacy packet loads scratch R1 to R5 as calls do."""
    if b.type not in LEGACY_LOADS or b.state.registers.get(R6) != CONTEXT:
        return None
    register = REGISTERS[1 + dice.pick(5)]
    b.emit(mov64(register, 7))
    b.emit(load_packet(o.B, 0))
    b.widen(R0)
    return b.emit_breaking(mov64(R0, register))


def frame_pointer(b: Builder, dice: Dice) -> int | None:
    """R10 is written."""
    return b.emit_breaking(dice.of((mov64(R10, 0), add64(R10, -8), load(o.DW, R10, R10, -64))))


def pointer_arithmetic(b: Builder, dice: Dice) -> int | None:
    """A pointer is multiplied, shifted, masked, divided."""
    register = (b.state.free() or [R0])[0]
    b.emit(mov64(register, R10))
    at = b.emit_breaking(alu64(dice.of((o.MUL, o.LSH, o.AND, o.DIV, o.XOR)), register, 2))
    anything_in(b, register)
    return at


def pointer_compared(b: Builder, dice: Dice) -> int | None:
    """A pointer is compared with a number, without privilege."""
    if b.privileged:
        return None
    op = dice.of((o.JEQ, o.JGT, o.JSLT))
    return b.emit_breaking(jump(op, R10, dice.of((1, 2, 7))))


def far_jump(b: Builder, dice: Dice) -> int | None:
    """A jump leads out of the program."""
    register = scalar(b)
    return b.emit_breaking(jump(o.JEQ, register, 0, dice.of((32000, -32000))))


def jump_into_immediate(b: Builder, dice: Dice) -> int | None:
    """A jump leads into the second slot of an immediate."""
    # The jump is taken: before Linux 6.8 only the walk notices where it leads, not check_cfg.
    register = scalar(b, 5)
    at = b.emit_breaking(jump(o.JEQ, register, 5, 1))
    b.emit_wide(load_imm64(register, 1 << 40))
    return at


def unreachable(b: Builder, dice: Dice) -> int | None:
    """An instruction that no path reaches."""
    register = scalar(b)
    over = b.skip(goto())
    at = b.emit_breaking(mov64(register, 2))
    b.land(over)
    return at


def back_edge(b: Builder, dice: Dice) -> int | None:
    """A loop, without privilege."""
    if b.privileged:
        return None
    register = scalar(b, 0)
    b.emit(add64(register, 1))
    return b.emit_breaking(jump(o.JLT, register, 2 + dice.pick(8), -2))


def endless(b: Builder, dice: Dice) -> int | None:
    """A loop without an end."""
    if not b.privileged:
        return None
    return b.emit_breaking(jump(o.JEQ, scalar(b, 1), 1, -1))


BODY, MORE_BODY = 400, 800
"""Instructions of a round: a verifier that keeps a state per round compares it with all it kept before."""


def too_long(b: Builder, dice: Dice) -> int | None:
    """More instructions to walk than a verifier does: rounds that no state of a round before covers, as the
    number of rounds decides when they end."""
    free = b.state.free()
    if not b.privileged or len(free) < 2:
        return None
    rounds, idle = free[:2]
    b.emit(mov64(rounds, 0))
    body = BODY + dice.pick(MORE_BODY)
    for number in range(body):
        b.emit(mov64(idle, number))
    b.emit(add64(rounds, 1))
    count = (COMPLEXITY_LIMIT + COMPLEXITY_LIMIT // (2 + dice.pick(8))) // (body + 2)
    return b.emit_breaking(jump(o.JLT, rounds, count, -(body + 2)))


def opcode(b: Builder, dice: Dice) -> int | None:
    """An opcode that no kernel has."""
    return b.emit_breaking(Insn(dice.of((0xFF, 0x8F, 0xE7, 0xF6))))


def reserved(b: Builder, dice: Dice) -> int | None:
    """A field that must be zero is not."""
    register = scalar(b)
    valid = (mov64(register, 0), add64(register, register), neg(register), jump(o.JEQ, register, register))
    form = dice.pick(4)
    return b.emit_breaking(replace(valid[form], src=1) if form == 0 else replace(valid[form], imm=1))


def halves(b: Builder, dice: Dice) -> int | None:
    """The second slot of a 64-bit immediate holds more than the immediate."""
    first, second = load_imm64(scalar(b), 1 << 40)
    at = b.emit_breaking(first)
    b.emit_breaking(replace(second, **{dice.of(("opcode", "dst", "src", "off")): 1 + dice.pick(4)}))
    return at


def cast_without_arena(b: Builder, dice: Dice) -> int | None:
    """addr_space_cast in a program that has no arena."""
    if not b.profile.knows("6.9"):
        return None
    register = scalar(b)
    return b.emit_breaking(replace(mov64(register, register), off=1, imm=dice.of((1, 1 << 16))))


def packet_load_without_context(b: Builder, dice: Dice) -> int | None:
    """A legacy packet load while R6 holds something else."""
    if b.type not in LEGACY_LOADS or not b.state.may_lose(R6) or b.open:
        return None
    b.emit(mov64(R6, dice.of((R10, 0))))
    at = b.emit_breaking(load_packet(dice.of((o.B, o.H, o.W)), 0))
    b.drop(*REGISTERS[:6])
    for register in (R0, R6):
        anything_in(b, register)
    return at


def result_missing(b: Builder, dice: Dice) -> int | None:
    """An exit where R0 was never written."""
    for field in CONTEXTS[b.type].fields:
        found = ctx_access(b.type, b.attach_type, field.offset, 4, False, b.privileged, b.profile.release)
        if isinstance(found, ContextField) and found.kind is ContextFieldKind.NUMBER:
            b.emit(load(o.W, R2, R1, field.offset))
            over = b.branch(jump(o.JNE, R2, RARE))
            at = b.emit_breaking(leave())
            b.land(over)
            return at
    return None


def zero_divisor(b: Builder, dice: Dice) -> int | None:
    """A division by the constant zero."""
    op = dice.of((o.DIV, o.MOD))
    wide = dice.of((True, False))
    return b.emit_breaking(alu(op, scalar(b), 0, wide))


def shift(b: Builder, dice: Dice) -> int | None:
    """A shift by more bits than there are."""
    wide = dice.pick(2) == 0
    imm = dice.of((64, -1, 100) if wide else (32, 63, -1))
    op = dice.of((o.LSH, o.RSH, o.ARSH))
    return b.emit_breaking(alu(op, scalar(b), imm, wide))
