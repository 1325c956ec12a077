"""Stores that nobody reads, and stores that are read at once."""

from __future__ import annotations

from ebpf.editing import Edit
from ebpf.isa import opcodes as o
from ebpf.isa.build import R10, REGISTERS, load, mov64, store
from ebpf.isa.insn import Insn
from ebpf.liveness import live_before, starts
from ebpf.program import Case
from ebpf.splicing import is_movable, rewritten, with_program
from ebpf.verifier_log.effects import is_conditional

_MOST = 16
"""Places that are changed in one program."""
_GENERAL = range(10)


def write_dead_registers(case: Case) -> Case | None:
    """A constant into a register that every way on writes before it reads it."""
    program = case.program
    if not is_movable(program):
        return None
    live = live_before(program.instructions)
    places = starts(program.instructions)
    edits = {}
    for at in places[:: -(-len(places) // _MOST)]:
        dead = [register for register in _GENERAL if register not in live[at]]
        if dead:
            edits[at] = Edit(0, (mov64(REGISTERS[dead[at % len(dead)]], at),))
    return with_program(case, rewritten(program, edits))


def spill_and_fill(case: Case) -> Case | None:
    """A register that is read goes through an unused slot of the stack first; only in programs of one
    function, as every function has a stack of its own."""
    program = case.program
    slot = _unused_slot(program.instructions)
    if slot is None or not is_movable(program):
        return None
    edits = {}
    for at in starts(program.instructions):
        insn = program.instructions[at]
        if insn.names_subprogram:
            return None
        register = _operand(insn)
        if register in _GENERAL:
            through = store(o.DW, R10, slot, REGISTERS[register]), load(o.DW, REGISTERS[register], R10, slot)
            edits[at] = Edit(0, through)
    return with_program(case, rewritten(program, edits))


def _operand(insn: Insn) -> int:
    """The register to take; :data:`R10`'s number where there is none."""
    kind, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
    if kind in (o.ALU, o.ALU64) and insn.opcode & o.X and op != o.END:
        return insn.src
    if kind == o.LDX:
        return insn.src
    if kind in (o.ST, o.STX):
        return insn.dst
    return insn.dst if is_conditional(insn) and op != o.JCOND else R10


def _unused_slot(insns: tuple[Insn, ...]) -> int | None:
    """The offset of eight bytes below all that the program names; None where the stack is full."""
    lowest = 0
    for at in starts(insns):
        insn = insns[at]
        kind, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
        named = insn.off if kind in (o.LDX, o.ST, o.STX) else insn.imm
        if kind in (o.ALU, o.ALU64) and op == o.SUB:
            named = -insn.imm
        if -o.STACK_SIZE <= named < lowest:
            lowest = named
    slot = lowest // 8 * 8 - 8
    return slot if slot >= -o.STACK_SIZE else None
