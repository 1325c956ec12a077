"""Handlers of calls: subprograms of the program, and helpers by number."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.interpreter import helpers, kernel_functions
from oracles.interpreter.arithmetic import U64
from oracles.interpreter.machine import LEAVE, Handler, Machine
from oracles.interpreter.memory import Pointer
from oracles.interpreter.signals import TailCalled


def _call_local(m: Machine, target: int, pc: int) -> int:
    m.push_frame(pc + 1)
    return target


def _call_helper(m: Machine, number: int, pc: int) -> int:
    try:
        result = helpers.call(m, number)
    except TailCalled as other:
        # From a function of the program, to that function's caller.
        m.registers[0] = other.result
        return LEAVE if len(m.frames) == 1 else _leave_function(m)
    for register in range(1, 6):
        m.scratch(register)
    m.registers[0] = result
    return pc + 1


def _leave_function(m: Machine) -> int:
    for register in range(1, 6):
        m.scratch(register)
    return m.pop_frame()


def _call_kernel(m: Machine, pc: int) -> int:
    result = kernel_functions.call(m, dict(m.program.kfuncs).get(pc, ""))
    for register in range(1, 6):
        m.scratch(register)
    m.registers[0] = result
    return pc + 1


def _call(m: Machine, insn: Insn, pc: int) -> int:
    if insn.src == o.CALL_LOCAL:
        return _call_local(m, pc + 1 + insn.imm, pc)
    if insn.src == o.CALL_KFUNC:
        return _call_kernel(m, pc)
    return _call_helper(m, insn.imm, pc)


def _call_register(m: Machine, insn: Insn, pc: int) -> int:
    """callx, which LLVM can emit and no Linux takes, as bpf_conformance tests it: a number names a helper, a
    function's address that function."""
    target = m.read(insn.dst)
    if isinstance(target, int):
        return _call_helper(m, target & U64, pc)
    if isinstance(target, Pointer) and target.region is m.code_region:
        return _call_local(m, target.offset, pc)
    m.trap(rules.SCALAR_DEREFERENCE, f"R{insn.dst} is neither a helper's number nor a function's address")


HANDLERS: dict[int, Handler] = {o.CALL | o.JMP: _call, o.CALL | o.X | o.JMP: _call_register}
