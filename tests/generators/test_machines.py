"""What programs for one machine have and others have not."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.isa.build import REGISTERS
from ebpf.kfuncs import KFUNCS
from ebpf.kfuncs.prototype import KernelArgKind
from ebpf.machine import TargetMachine
from ebpf.program import Program
from tests.generators.drawing import VALID, draws

_WRITES = (o.ALU, o.ALU64, o.LDX, o.LD)


def left_by_calls(program: Program) -> tuple[int, int]:
    """How many registers kernel functions ignore, and how many of them nobody wrote since a call."""
    ignored, unwritten = 0, 0
    for at, name in program.kfuncs:
        if program.instructions[at].opcode != o.CALL | o.JMP:
            continue
        for register, arg in zip(REGISTERS[1:], KFUNCS[name].args, strict=False):
            if arg.kind is not KernelArgKind.IGNORED:
                continue
            before = at - 1
            while before >= 0 and (insn := program.instructions[before]).opcode != o.CALL | o.JMP:
                if insn.dst == register and insn.opcode & o.CLASS_MASK in _WRITES:
                    break
                before -= 1
            ignored += 1
            unwritten += before >= 0 and program.instructions[before].opcode == o.CALL | o.JMP
    return ignored, unwritten


def count(machine: TargetMachine) -> tuple[int, int]:
    profile = replace(VALID, inputs=1, linux=(6, 12), machine=machine)
    counts = [left_by_calls(made.case.program) for made in draws(400, profile)]
    return sum(ignored for ignored, _ in counts), sum(unwritten for _, unwritten in counts)


def test_where_the_verifier_extends_ignored_registers_are_written() -> None:
    ignored, unwritten = count(TargetMachine())
    assert ignored > 100
    assert unwritten > 50
    ignored, unwritten = count(TargetMachine(verifier_extends=True))
    assert ignored > 100
    assert unwritten == 0
