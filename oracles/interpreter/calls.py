"""Handlers of calls: subprograms of the program, and helpers by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ebpf.helper_names import HELPER_NAMES
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.interpreter.arithmetic import Handler
from oracles.interpreter.helpers import HELPERS
from oracles.interpreter.signals import Abstain

if TYPE_CHECKING:
    from oracles.interpreter.machine import Machine


def _call(m: Machine, insn: Insn, pc: int) -> int:
    if insn.src == o.CALL_LOCAL:
        m.push_frame(pc + 1)
        return pc + 1 + insn.imm
    if insn.src == o.CALL_KFUNC:
        raise Abstain("kernel function calls")
    helper = HELPERS.get(insn.imm)
    if helper is None:
        known = 0 < insn.imm < len(HELPER_NAMES)
        raise Abstain(f"helper bpf_{HELPER_NAMES[insn.imm]}" if known else f"helper number {insn.imm}")
    result = helper(m)
    for register in range(1, 6):
        m.scratch(register)
    m.write(0, result)
    return pc + 1


HANDLERS: dict[int, Handler] = {o.CALL | o.JMP: _call}
