"""Rows for kernel functions: structures that must be given back, and sections that must be ended."""

from __future__ import annotations

from ebpf import rules
from ebpf.program_types import ProgramType
from tests.contract.rows import HASH, Returns, Row, Traps

_TRACING = ProgramType.TRACEPOINT
_TASK = "r1 = 1; call kfunc bpf_task_from_pid; r6 = r0; if r0 == 0 goto pc+{}; "
"""R6 is the task, or null and the program goes on ``{}`` slots later; four slots."""
_RELEASE = "r1 = r6; call kfunc bpf_task_release; "


def _row(name: str, text: str, expected: Returns | Traps, *script: int) -> Row:
    return Row(name, text, expected, type=_TRACING, helpers=script)


STRUCTURES = (
    _row("a task is released", _TASK.format(2) + _RELEASE + "r0 = 7; exit", Returns(7), 1),
    _row("no task is there", _TASK.format(2) + _RELEASE + "r0 = 7; exit", Returns(7), 0),
    _row("a task is lost", _TASK.format(0) + "r0 = 0; exit", Traps(rules.REFERENCE_LEAK, 5), 1),
    _row("a task is released twice", _TASK.format(4) + 2 * _RELEASE + "r0 = 7; exit",
         Traps(rules.USE_AFTER_RELEASE, 7), 1),
    _row("a task is taken again after its release",
         _TASK.format(4) + _RELEASE + "r1 = r6; call kfunc bpf_task_acquire; r0 = 7; exit",
         Traps(rules.USE_AFTER_RELEASE, 7), 1, 1),
    _row("a task is released as a control group",
         _TASK.format(2) + "r1 = r6; call kfunc bpf_cgroup_release; r0 = 7; exit",
         Traps(rules.HELPER_ARGUMENT, 5), 1),
    _row("a moved task is released", _TASK.format(3) + "r1 = r6; r1 += 8; call kfunc bpf_task_release; exit",
         Traps(rules.HELPER_ARGUMENT, 6), 1),
    _row("a set of processors is one of the program's own",
         "call kfunc bpf_cpumask_create; r6 = r0; if r0 == 0 goto pc+4; r1 = r0; "
         "call kfunc bpf_cpumask_first; r1 = r6; call kfunc bpf_cpumask_release; r0 = 3; exit",
         Returns(3), 1, 0),
    _row("nothing of R1 is left", "r1 = 1; call kfunc bpf_rcu_read_lock; r0 = r1; exit",
         Traps(rules.UNINITIALISED_REGISTER, 2)),
    _row("nothing is returned", "call kfunc bpf_rcu_read_lock; call kfunc bpf_rcu_read_unlock; exit",
         Traps(rules.NO_RETURN_VALUE, 2)),
    _row("strings that are nowhere", "r1 = 0; call kfunc bpf_strcmp; r0 = 2; exit", Returns(2), 5),
    Row("what is no map is counted", "r1 = r10; call kfunc bpf_map_sum_elem_count; exit",
        Traps(rules.HELPER_ARGUMENT, 1), (HASH,), _TRACING),
    Row("a map's elements are counted", "r1 = map[0]; call kfunc bpf_map_sum_elem_count; r0 = 1; exit",
        Returns(1), (HASH,), _TRACING, helpers=(1,)),
)  # fmt: skip

_BEGIN, _END = "call kfunc bpf_preempt_disable; ", "call kfunc bpf_preempt_enable; "
_LOCK, _UNLOCK = "call kfunc bpf_rcu_read_lock; ", "call kfunc bpf_rcu_read_unlock; "
SECTIONS = (
    _row("a section", _BEGIN + _END + "r0 = 1; exit", Returns(1)),
    _row("a section in another", 2 * _BEGIN + 2 * _END + "r0 = 1; exit", Returns(1)),
    _row("sections that cross", _BEGIN + _LOCK + _END + _UNLOCK + "r0 = 1; exit", Returns(1)),
    _row("a section at exit", _BEGIN + "r0 = 1; exit", Traps(rules.SECTION_AT_EXIT, 2)),
    _row("the outer section at exit", 2 * _BEGIN + _END + "r0 = 1; exit", Traps(rules.SECTION_AT_EXIT, 4)),
    _row("an end without a beginning", _END + "r0 = 1; exit", Traps(rules.SECTION_UNMATCHED, 0)),
    _row("an end of another section", _LOCK + _END + "r0 = 1; exit", Traps(rules.SECTION_UNMATCHED, 1)),
    _row("a section ends in a function", _LOCK + "call pc+2; r0 = 1; exit; " + _UNLOCK + "r0 = 0; exit",
         Returns(1)),
    _row("a helper in a section", _LOCK + "r6 = 3; call bpf_get_prandom_u32#7; " + _UNLOCK + "r0 = r6; exit",
         Returns(3), 9),
    _row("a loop that begins sections", _BEGIN + "r6 = 0; r6 += 1; " + _BEGIN + _END
         + "if r6 < 3 goto pc-4; " + _END + "r0 = r6; exit", Returns(3)),
)  # fmt: skip

_SAVE = "r1 = r10; r1 += {}; call kfunc bpf_local_irq_save; "
_RESTORE = "r1 = r10; r1 += {}; call kfunc bpf_local_irq_restore; "
FLAGS = (
    _row("interrupts off and on", _SAVE.format(-8) + _RESTORE.format(-8) + "r0 = 1; exit", Returns(1)),
    _row("interrupts off twice", _SAVE.format(-8) + _SAVE.format(-16) + _RESTORE.format(-16)
         + _RESTORE.format(-8) + "r0 = 1; exit", Returns(1)),
    _row("flags restored in another order", _SAVE.format(-8) + _SAVE.format(-16) + _RESTORE.format(-8)
         + "r0 = 1; exit", Traps(rules.SECTION_UNMATCHED, 8)),
    _row("interrupts off at exit", _SAVE.format(-8) + "r0 = 1; exit", Traps(rules.SECTION_AT_EXIT, 4)),
    _row("flags that were not saved", "*(u64 *)(r10 -8) = 0; " + _RESTORE.format(-8) + "r0 = 1; exit",
         Traps(rules.HELPER_ARGUMENT, 3)),
    _row("flags saved over others", _SAVE.format(-8) * 2 + "r0 = 1; exit", Traps(rules.HELPER_ARGUMENT, 5)),
    _row("flags are read", _SAVE.format(-8) + "r0 = *(u32 *)(r10 -4); exit", Traps(rules.STACK_OBJECT, 3)),
    _row("flags are overwritten", _SAVE.format(-8) + "*(u8 *)(r10 -1) = 0; " + _RESTORE.format(-8) + "exit",
         Traps(rules.HELPER_ARGUMENT, 6)),
    _row("flags in between", _SAVE.format(-12) + "exit", Traps(rules.HELPER_ARGUMENT, 2)),
    _row("flags below the stack", _SAVE.format(-520) + "exit", Traps(rules.STACK_BOUNDS, 2)),
)  # fmt: skip

_NEW = "r1 = r10; r1 += -8; r2 = {}; r3 = {}; call kfunc bpf_iter_num_new; "
"""Five slots."""
_NEXT = "r1 = r10; r1 += -8; call kfunc bpf_iter_num_next; "
_DESTROY = "r1 = r10; r1 += -8; call kfunc bpf_iter_num_destroy; "
_SUM = "r6 = 0; {}" + _NEXT + "if r0 == 0 goto pc+3; r1 = *(u32 *)(r0 +0); r6 += r1; goto pc-7; "
"""R6 is the sum of what the iterator gave."""
ITERATORS = (
    _row("numbers are added", _SUM.format(_NEW.format(2, 5)) + _DESTROY + "r0 = r6; exit", Returns(9)),
    _row("no numbers are added", _SUM.format(_NEW.format(2, 2)) + _DESTROY + "r0 = r6; exit", Returns(0)),
    _row("numbers below zero",
         _NEW.format(-1, 1) + _NEXT + "r6 = 0; if r0 == 0 goto pc+1; r6 = *(s32 *)(r0 +0); " + _DESTROY
         + "r6 += 3; r0 = r6; exit", Returns(2)),
    _row("an iterator is begun", _NEW.format(0, 3) + "r6 = r0; " + _DESTROY + "r0 = r6; exit", Returns(0)),
    _row("an iterator is left", _NEW.format(0, 3) + "r0 = 0; exit", Traps(rules.REFERENCE_LEAK, 6)),
    _row("an iterator is destroyed twice", _NEW.format(0, 3) + 2 * _DESTROY + "r0 = 0; exit",
         Traps(rules.HELPER_ARGUMENT, 10)),
    _row("an iterator is made twice", 2 * _NEW.format(0, 3) + "r0 = 0; exit",
         Traps(rules.HELPER_ARGUMENT, 9)),
    _row("an iterator that was not made", "*(u64 *)(r10 -8) = 0; " + _NEXT + "r0 = 0; exit",
         Traps(rules.HELPER_ARGUMENT, 3)),
    _row("an iterator of another kind", _NEW.format(0, 3) + _NEXT.replace("num", "kmem_cache") + "exit",
         Traps(rules.HELPER_ARGUMENT, 7)),
    _row("an iterator is read", _NEW.format(0, 3) + "r0 = *(u64 *)(r10 -8); exit",
         Traps(rules.STACK_OBJECT, 5)),
    _row("an iterator is read by a helper",
         _NEW.format(0, 3) + "r1 = r10; r1 += -8; r2 = 8; r3 = r1; call bpf_strtol#105; exit",
         Traps(rules.STACK_OBJECT, 9)),
    _row("an iterator is overwritten", _NEW.format(0, 3) + "*(u8 *)(r10 -3) = 0; " + _NEXT + "exit",
         Traps(rules.HELPER_ARGUMENT, 8)),
    _row("a number is written", _NEW.format(0, 3) + _NEXT + "if r0 == 0 goto pc+1; *(u32 *)(r0 +0) = 1; "
         + _DESTROY + "r0 = 0; exit", Traps(rules.READ_ONLY, 9)),
    _row("behind a number", _NEW.format(0, 3) + _NEXT + "if r0 == 0 goto pc+1; r0 = *(u32 *)(r0 +4); exit",
         Traps(rules.MEMORY_BOUNDS, 9)),
    _row("after the last number", _NEW.format(0, 0) + _NEXT + "r0 = *(u32 *)(r0 +0); exit",
         Traps(rules.NULL_DEREFERENCE, 8)),
    _row("a number of an iterator that is gone",
         _NEW.format(0, 3) + _NEXT + "r6 = r0; " + _DESTROY + "r0 = *(u32 *)(r6 +0); exit",
         Traps(rules.USE_AFTER_RELEASE, 12)),
    _row("an iterator in a caller's frame",
         _NEW.format(0, 3) + "r1 = r10; r1 += -8; call pc+5; " + _DESTROY + "r0 = 7; exit; "
         "call kfunc bpf_iter_num_next; r0 = 0; exit", Returns(7)),
    _row("a task of all",
         "r1 = r10; r1 += -24; r2 = 0; r3 = 0; call kfunc bpf_iter_task_new; r6 = 0; r1 = r10; r1 += -24; "
         "call kfunc bpf_iter_task_next; if r0 == 0 goto pc+1; r6 += 1; r1 = r10; r1 += -24; "
         "call kfunc bpf_iter_task_destroy; r0 = r6; exit", Returns(1), 0, 1),
)  # fmt: skip
ROWS: tuple[Row, ...] = (*STRUCTURES, *SECTIONS, *FLAGS, *ITERATORS)
