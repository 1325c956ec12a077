"""Rows for bpf_throw: the program ends there, from whatever function."""

from __future__ import annotations

from ebpf import rules
from ebpf.program_types import ProgramType
from tests.contract.rows import Returns, Row, Traps

_TASK = "r1 = 1; call kfunc bpf_task_from_pid; if r0 == 0 goto pc+2; "


def _row(name: str, text: str, expected: Returns | Traps, *script: int) -> Row:
    return Row(name, text, expected, type=ProgramType.TRACEPOINT, helpers=script)


ROWS = (
    _row("an exception", "r1 = 3; call kfunc bpf_throw; r0 = 1; exit", Returns(3)),
    _row("an exception in a function", "call pc+2; r0 = 1; exit; r1 = 4; call kfunc bpf_throw; r0 = 0; exit",
         Returns(4)),
    _row("an exception with a task in hand", _TASK + "r1 = 3; call kfunc bpf_throw; r0 = 0; exit",
         Traps(rules.REFERENCE_LEAK, 4), 1),
    _row("an exception where there is no task", _TASK + "r1 = 3; call kfunc bpf_throw; r0 = 2; exit",
         Returns(2), 0),
    _row("an exception in a section", "call kfunc bpf_rcu_read_lock; r1 = 3; call kfunc bpf_throw; r0 = 0; exit",
         Traps(rules.SECTION_AT_EXIT, 2)),
    _row("an exception without a result", "r1 = 1; call kfunc bpf_preempt_disable; "
         "call kfunc bpf_preempt_enable; call kfunc bpf_throw; r0 = 0; exit",
         Traps(rules.UNINITIALISED_REGISTER, 3)),
)  # fmt: skip
