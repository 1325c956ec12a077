"""A function put where it is called, and an instruction put into a function."""

from __future__ import annotations

from ebpf.editing import target
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, REGISTERS, call_local, goto, leave, mov64
from ebpf.isa.insn import Insn
from ebpf.liveness import SAVED, SCRATCHED, live_before, reads, starts, writes
from ebpf.program import Case, Program
from ebpf.splicing import is_movable, replaced, with_program

_MOST = 4
"""Functions that one program is given."""
_ALONE = frozenset({HELPER_NUMBERS["tail_call"], HELPER_NUMBERS["spin_lock"]})
"""Helpers beside which kernels before 5.10 and 6.x refuse calls of a program's own functions."""
_EXIT = o.EXIT | o.JMP


def inline(case: Case) -> Case | None:
    """The first call of a function that is called there only, and uses neither stack nor saved registers,
    becomes its body."""
    program = case.program
    insns = program.instructions
    if not is_movable(program) or program.func_info is not None:
        return None
    named = [(at, target(insns[at], at)) for at in starts(insns) if insns[at].names_subprogram]
    entries = sorted({entry for _, entry in named if entry is not None})
    for at, entry in named:
        if entry is None or [to for _, to in named].count(entry) != 1 or insns[at].loads_function:
            continue
        end = next((other for other in entries if other > entry), len(insns))
        if at < entry and _is_plain(program, entry, end):
            body = insns[entry:end]
            inlined = [
                goto(len(body) - n - 1) if insn.opcode == _EXIT else insn for n, insn in enumerate(body)
            ]
            grown = replaced(program, at, 1, inlined)
            moved = entry + len(body) - 1
            return with_program(case, replaced(grown, moved, len(body), ()))
    return None


def _is_plain(program: Program, entry: int, end: int) -> bool:
    """Whether the function uses no register but those that a call scratches, and calls helpers only."""
    for at in starts(program.instructions):
        insn = program.instructions[at]
        if entry <= at < end and (
            insn.names_subprogram or insn.calls_kernel or not (reads(insn) | writes(insn)) <= SCRATCHED
        ):
            return False
    return True


def outline(case: Case) -> Case | None:
    """Arithmetic on saved registers becomes a function where nobody needs what a call scratches."""
    program = case.program
    if not is_movable(program) or case.capabilities is not None or _stands_alone(program):
        return None
    live = (*live_before(program.instructions), frozenset[int]())
    fitting = [
        at for at in starts(program.instructions)
        if _is_outlined(program.instructions[at]) and not live[at + 1] & SCRATCHED
    ]  # fmt: skip
    for at in fitting[:_MOST][::-1]:
        insn = program.instructions[at]
        takes_two = bool(insn.opcode & o.X)
        call = [
            mov64(R1, REGISTERS[insn.dst]),
            *([mov64(R2, REGISTERS[insn.src])] if takes_two else []),
            call_local(),
            mov64(REGISTERS[insn.dst], R0),
        ]
        function = mov64(R0, R1), Insn(insn.opcode, R0, R2 if takes_two else 0, insn.off, insn.imm), leave()
        grown = replaced(program, at, 1, call)
        calling = at + len(call) - 2
        end = len(grown.instructions)
        grown = replaced(grown, end, 0, function)
        program = replaced(grown, calling, 1, (call_local(end - calling - 1),))
    return with_program(case, program)


def _is_outlined(insn: Insn) -> bool:
    kind, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
    if kind not in (o.ALU, o.ALU64) or op in (o.MOV, o.NEG, o.END):
        return False
    return insn.dst in SAVED and (not insn.opcode & o.X or insn.src in SAVED)


def _stands_alone(program: Program) -> bool:
    """Whether something in it does not go with calls of a program's own functions: where some have types, all
    need one."""
    insns = program.instructions
    begun = [insns[at] for at in starts(insns)]
    legacy = any(insn.opcode & o.CLASS_MASK == o.LD and insn.opcode & o.MODE_MASK != o.IMM for insn in begun)
    return (
        program.func_info is not None
        or legacy
        or any(
            insn.calls_kernel or (insn.opcode == o.CALL | o.JMP and not insn.src and insn.imm in _ALONE)
            for insn in begun
        )
    )
