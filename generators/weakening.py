"""Weakened programs: valid ones in which something that makes them safe is missing, on all paths or on one of
two, or is off by one, or too late, so that nobody has said beforehand whether they still are.

On one of two paths: an instruction is skipped where a byte of the input says so.  The verifier then comes to
the next instruction in two states that differ in what that instruction does: a range, a null check, a spill,
a byte of the stack, a packet's range, a reference, a lock, an iterator's round, a frame's argument.  Its
states_equal() (kernel/bpf/verifier.c, states.c since 7.1) has to tell them apart, whichever it has walked
first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ebpf.editing import change, retarget, target
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.build import R10, REGISTERS, goto, jump, load
from ebpf.isa.insn import Insn
from ebpf.liveness import live_before, reads, starts, writes
from ebpf.program import LoadFlag, Program
from ebpf.splicing import guarded, is_movable, replaced
from ebpf.verifier_log.effects import is_call, is_conditional, is_helper_call, is_kfunc_call, is_may_goto
from generators.dice import Dice
from generators.layout import INPUT_BASE, INPUT_BYTES
from generators.mutations import count_of_loops
from generators.settling import limits

_OPPOSITE = {
    o.JEQ: o.JNE, o.JNE: o.JEQ,
    o.JGT: o.JLE, o.JLE: o.JGT, o.JGE: o.JLT, o.JLT: o.JGE,
    o.JSGT: o.JSLE, o.JSLE: o.JSGT, o.JSGE: o.JSLT, o.JSLT: o.JSGE,
}  # fmt: skip
_GIVE_BACK = frozenset(
    number
    for name, number in HELPER_NUMBERS.items()
    if any(word in name for word in ("release", "unlock", "submit", "discard"))
)
_THRESHOLDS = (127, 0, 64, 254)
_LOOP = HELPER_NUMBERS["loop"]
_NARROWING = (o.AND, o.RSH, o.MOD)
_SOON = 10
"""Instructions."""


def weaken(program: Program, dice: Dice, *, states: bool) -> Program:
    """The program, weakened in one place; as it is where nothing fits.

    ``states``: whether the verifier may be asked to keep a state at every join.
    """
    if not is_movable(program):
        return program
    form, often = dice.of(_FORMS), dice.pick(4) > 0
    places = _places(program)
    if not places:
        return program
    guards = [at for at in places if _is_guard(program.instructions[at])]
    needed = [at for at in guards if _is_needed_soon(program.instructions, at)]
    at = dice.of((needed, guards, needed, places)[dice.pick(4)] or places)
    weakened = form(program, at, dice)
    if states and often:
        weakened = replace(weakened, flags=weakened.flags | LoadFlag.TEST_STATE_FREQ)
    return weakened


def _places(program: Program) -> list[int]:
    """Slots of instructions that may be missing: none that ends a path, loads half a constant, counts the
    rounds of a loop or leaves it, or ends the growth of what rounds add up."""
    insns = program.instructions
    kept = count_of_loops(list(insns)) | _rounds_of_callbacks(insns) | limits(insns)
    return [
        at
        for at in starts(insns)
        if at not in kept
        and not insns[at].names_subprogram
        and insns[at].opcode not in (o.LD_IMM64, o.EXIT | o.JMP, o.JA | o.JMP, o.JA | o.JMP32)
        and not is_may_goto(insns[at])
    ]


def _rounds_of_callbacks(insns: tuple[Insn, ...]) -> set[int]:
    """Slots in which it may be decided how often bpf_loop calls back: eight million times take seconds."""
    calls = [at for at, insn in enumerate(insns) if is_helper_call(insn) and insn.imm == _LOOP]
    return {slot for at in calls for slot in range(max(0, at - _SOON), at) if 1 in writes(insns[slot])}


def _is_guard(insn: Insn) -> bool:
    """Whether later instructions are likely to need it: a comparison, a narrower range, something given back,
    what is written to the stack."""
    kind, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
    if is_call(insn):
        return is_kfunc_call(insn) or (is_helper_call(insn) and insn.imm in _GIVE_BACK)
    if kind in (o.ALU, o.ALU64):
        return op in _NARROWING
    return is_conditional(insn) or (kind in (o.ST, o.STX) and insn.dst == R10)


def _is_needed_soon(insns: tuple[Insn, ...], at: int) -> bool:
    """Whether a register that it narrows, tests or writes is soon added to another, led through to memory, or
    given to a call."""
    guard = insns[at]
    registers = writes(guard) if guard.opcode & o.CLASS_MASK in (o.ALU, o.ALU64) else reads(guard) - {10}
    for insn in insns[at + 1 : at + 1 + _SOON]:
        added = insn.opcode in (o.ADD | o.X | o.ALU64, o.ADD | o.X | o.ALU) and insn.src in registers
        address = insn.src if insn.opcode & o.CLASS_MASK == o.LDX else insn.dst
        through = insn.opcode & o.CLASS_MASK in (o.LDX, o.ST, o.STX) and address in registers
        if added or through or (is_call(insn) and registers & reads(insn)):
            return True
    return False


def _skip(program: Program, at: int, dice: Dice) -> Program:
    """Left out on one of two paths."""
    insns = program.instructions
    live = live_before(insns)
    spare = [register for register in range(10) if register not in live[at] | reads(insns[at])]
    if not spare:
        return program
    register = REGISTERS[spare[dice.pick(len(spare))]]
    byte = load(o.B, register, R10, INPUT_BASE + dice.pick(INPUT_BYTES))
    threshold = dice.of(_THRESHOLDS)
    if dice.pick(2):
        # The path that is walked first, the one that falls through, is the one without.
        return guarded(program, at, (byte, jump(o.JGT, register, threshold, 1), goto(1)))
    return guarded(program, at, (byte, jump(o.JGT, register, threshold, 1)))


def _drop(program: Program, at: int, dice: Dice) -> Program:
    """Left out."""
    return replaced(program, at, 1, ())


def _move_by_one(program: Program, at: int, dice: Dice) -> Program:
    """Its constant, or else where it accesses memory, is off by one or by a word."""
    insn, step = program.instructions[at], dice.of((1, -1, 8, -8))
    kind = insn.opcode & o.CLASS_MASK
    if kind in (o.LDX, o.ST, o.STX):
        changed = replace(insn, off=max(-512, min(511, insn.off + step)))
    elif kind == o.LD or is_call(insn) or insn.opcode & o.X or insn.opcode & o.OP_MASK == o.END:
        return program
    else:
        changed = replace(insn, imm=max(-(1 << 31), min((1 << 31) - 1, insn.imm + step)))
    return replace(program, instructions=change(program.instructions, at, lambda _: changed))


def _turn_round(program: Program, at: int, dice: Dice) -> Program:
    """A comparison that lets through what it kept out; anything else is left out."""
    insn = program.instructions[at]
    opposite = _OPPOSITE.get(insn.opcode & o.OP_MASK)
    if not is_conditional(insn) or opposite is None:
        return _drop(program, at, dice)
    changed = replace(insn, opcode=insn.opcode & ~o.OP_MASK | opposite)
    return replace(program, instructions=change(program.instructions, at, lambda _: changed))


def _delay(program: Program, at: int, dice: Dice) -> Program:
    """Later by one instruction, or two: after the use."""
    insns = program.instructions
    by = 1 + dice.pick(2)
    passed = insns[at + 1 : at + 1 + by]
    insn, led_to = insns[at], target(insns[at], at)
    straight = all(each.opcode not in (o.LD_IMM64, 0) and target(each, 0) is None for each in passed)
    ends = any(each.opcode == o.EXIT | o.JMP for each in passed)
    if len(passed) < by or not straight or ends or (led_to is not None and led_to <= at + by):
        return program
    if is_call(insn) and any(writes(each) & frozenset(range(6)) for each in passed):
        return program
    moved = insn if led_to is None else retarget(insn, at + by, led_to)
    kfuncs = tuple((_rotated(slot, at, by), name) for slot, name in program.kfuncs)
    rotated = (*insns[:at], *passed, moved, *insns[at + 1 + by :])
    return replace(program, instructions=rotated, kfuncs=kfuncs)


def _rotated(slot: int, at: int, by: int) -> int:
    if slot == at:
        return at + by
    return slot - 1 if at < slot <= at + by else slot


_FORMS: tuple[Callable[[Program, int, Dice], Program], ...] = (
    _skip, _skip, _skip, _skip, _drop, _move_by_one, _turn_round, _delay,
)  # fmt: skip
