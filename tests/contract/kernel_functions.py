"""Rows for kernel functions: structures that must be given back, and sections that must be ended."""

from __future__ import annotations

from ebpf import rules
from ebpf.maps import MapSpec, MapType
from ebpf.program_types import ProgramType
from tests.contract.rows import HASH, RECORDS, Returns, Row, Traps

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

_BITS = (
    "r1 = {}; *(u64 *)(r10 -8) = r1; r1 = r10; r1 += -24; r2 = r10; r2 += -8; r3 = {}; "
    "call kfunc bpf_iter_bits_new; r7 = r0; "
)
"""Of the word at fp-8; R7 is what it gave; nine slots."""
_SUM_OF_BITS = _SUM.replace("r1 += -8", "r1 += -24").replace("num", "bits")
_NO_MORE_BITS = _DESTROY.replace("r1 += -8", "r1 += -24").replace("num", "bits")
BITS = (
    _row("bits are added", _SUM_OF_BITS.format(_BITS.format(0xA1, 1)) + _NO_MORE_BITS + "r6 += r7; r0 = r6; exit",
         Returns(12)),
    _row("no bit is set", _SUM_OF_BITS.format(_BITS.format(0, 1)) + _NO_MORE_BITS + "r0 = r6; exit", Returns(0)),
    _row("bits as they were when the iterator was made",
         _SUM_OF_BITS.format(_BITS.format(8, 1) + "*(u64 *)(r10 -8) = 1; ") + _NO_MORE_BITS + "r0 = r6; exit",
         Returns(3)),
    _row("after the last bit",
         _BITS.format(0, 1) + _NEXT.replace("r1 += -8", "r1 += -24").replace("num", "bits") + "r0 = *(u32 *)(r0 +0); exit",
         Traps(rules.NULL_DEREFERENCE, 12)),
)  # fmt: skip

_LOCAL = "r6 = map[0][0]+0; r1 = r6; r2 = {}; r3 = {}; r4 = r10; r4 += -16; call bpf_dynptr_from_mem#197; "
"""R6 is the value of the map, of eight bytes; eight slots."""
_OF_IT = "r1 = r10; r1 += -16; "
_READ = "r1 = r10; r1 += -{0}; r2 = {1}; r3 = r10; r3 += -16; r4 = {2}; r5 = 0; call bpf_dynptr_read#201; "
_WRITE = _OF_IT + "r2 = {}; r3 = r10; r3 += -24; r4 = {}; r5 = 0; call bpf_dynptr_write#202; "
_DATA = _OF_IT + "r2 = {}; r3 = {}; call bpf_dynptr_data#203; "
_SLICE = _OF_IT + "r2 = {}; r3 = 0; r4 = {}; call kfunc bpf_dynptr_slice; "
_ADJUST = _OF_IT + "r2 = {}; r3 = {}; call kfunc bpf_dynptr_adjust; "
_SIZE = _OF_IT + "call kfunc bpf_dynptr_size; "
_BYTES = MapSpec(MapType.ARRAY, 4, 8, 1, contents=((bytes(4), bytes(range(1, 9))),))


def _dynptr(name: str, text: str, expected: Returns | Traps, *script: int) -> Row:
    return Row(name, text, expected, (_BYTES, RECORDS), _TRACING, helpers=script)


NO_MEMORY = (1 << 64) - 12
_RECORD = "r1 = map[1]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_ringbuf_reserve_dynptr#198; "
"""Seven slots."""
_SUBMIT = _OF_IT + "r2 = 0; call bpf_ringbuf_submit_dynptr#199; "
_CLONE = _OF_IT + "r2 = r10; r2 += -32; call kfunc bpf_dynptr_clone; "
DYNPTRS = (
    _dynptr("a dynptr's size", _LOCAL.format(6, 0) + _SIZE + "exit", Returns(6)),
    _dynptr("a dynptr of wrong flags is null",
            _LOCAL.format(6, 1) + _OF_IT + "call kfunc bpf_dynptr_is_null; exit", Returns(1)),
    _dynptr("a dynptr of no bytes is not null",
            _LOCAL.format(0, 0) + _OF_IT + "call kfunc bpf_dynptr_is_null; exit", Returns(0)),
    _dynptr("a dynptr of more bytes than there are", _LOCAL.format(9, 0) + "exit",
            Traps(rules.MAP_VALUE_BOUNDS, 7)),
    _dynptr("a dynptr of the stack", "*(u64 *)(r10 -24) = 0; r1 = r10; r1 += -24; r2 = 8; r3 = 0; r4 = r10; "
            "r4 += -16; call bpf_dynptr_from_mem#197; exit", Traps(rules.HELPER_ARGUMENT, 7)),
    _dynptr("bytes of a dynptr are read",
            _LOCAL.format(8, 0) + _READ.format(24, 4, 2) + "r0 = *(u32 *)(r10 -24); exit",
            Returns(0x06050403)),
    _dynptr("too many bytes of a dynptr are read", _LOCAL.format(8, 0) + "*(u64 *)(r10 -24) = 7; "
            + _READ.format(24, 4, 5) + "r1 = *(u32 *)(r10 -24); r0 += r1; exit", Returns(0)),
    _dynptr("a dynptr is written", _LOCAL.format(8, 0) + "*(u64 *)(r10 -24) = 9; " + _WRITE.format(3, 2)
            + "r0 = *(u16 *)(r6 +2); exit", Returns(0x0903)),
    _dynptr("a dynptr's memory", _LOCAL.format(8, 0) + _DATA.format(4, 2)
            + "if r0 == 0 goto pc+2; r0 = *(u8 *)(r0 +1); exit; r0 = 77; exit", Returns(6)),
    _dynptr("a dynptr's memory is written", _LOCAL.format(8, 0) + _DATA.format(4, 2)
            + "if r0 == 0 goto pc+1; *(u8 *)(r0 +1) = 44; r0 = *(u8 *)(r6 +5); exit", Returns(44)),
    _dynptr("behind a dynptr's memory", _LOCAL.format(8, 0) + _DATA.format(4, 2)
            + "if r0 == 0 goto pc+1; *(u8 *)(r0 +2) = 44; r0 = 0; exit", Traps(rules.MEMORY_BOUNDS, 14)),
    _dynptr("more of a dynptr's memory than there is", _LOCAL.format(8, 0) + _DATA.format(4, 5)
            + "if r0 == 0 goto pc+2; r0 = 1; exit; r0 = 2; exit", Returns(2)),
    _dynptr("a slice of a dynptr", _LOCAL.format(8, 0) + _SLICE.format(1, 4)
            + "if r0 == 0 goto pc+2; r0 = *(u32 *)(r0 +0); exit; r0 = 77; exit", Returns(0x05040302)),
    _dynptr("a slice is written", _LOCAL.format(8, 0) + _SLICE.format(1, 4)
            + "if r0 == 0 goto pc+1; *(u8 *)(r0 +0) = 1; r0 = 0; exit", Traps(rules.READ_ONLY, 15)),
    _dynptr("a slice is not compared with null", _LOCAL.format(3, 0) + _SLICE.format(1, 4)
            + "r0 = *(u8 *)(r0 +0); exit", Traps(rules.NULL_DEREFERENCE, 14)),
    _dynptr("a dynptr is adjusted", _LOCAL.format(8, 0) + _ADJUST.format(2, 5) + "r7 = r0; " + _SLICE.format(0, 2)
            + "if r0 == 0 goto pc+3; r0 = *(u16 *)(r0 +0); r0 += r7; exit; r0 = 77; exit", Returns(0x0403)),
    _dynptr("a dynptr is not widened", _LOCAL.format(4, 0) + _ADJUST.format(2, 5) + _SIZE + "exit", Returns(4)),
    _dynptr("a clone lives on its own", _LOCAL.format(8, 0) + _CLONE + _ADJUST.format(1, 2)
            + "r1 = r10; r1 += -32; call kfunc bpf_dynptr_size; exit", Returns(8)),
    _dynptr("no dynptr", "*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; " + _SIZE + "exit",
            Traps(rules.HELPER_ARGUMENT, 4)),
    _dynptr("a dynptr is read itself", _LOCAL.format(8, 0) + "r0 = *(u64 *)(r10 -8); exit",
            Traps(rules.STACK_OBJECT, 8)),
    _dynptr("a dynptr is overwritten", _LOCAL.format(8, 0) + "*(u8 *)(r10 -16) = 0; " + _SIZE + "exit",
            Traps(rules.HELPER_ARGUMENT, 11)),
    _dynptr("the middle of a dynptr", _LOCAL.format(8, 0) + _SIZE.replace("-16", "-8") + "exit",
            Traps(rules.STACK_BOUNDS, 10)),
    _dynptr("a record's dynptr is submitted", _RECORD + _SUBMIT + "r0 = 3; exit", Returns(3), 0),
    _dynptr("a record that was not to be had is given back", _RECORD + _SUBMIT + "r0 = 3; exit", Returns(3), NO_MEMORY),
    _dynptr("a record's dynptr is lost", _RECORD + "r0 = 3; exit", Traps(rules.REFERENCE_LEAK, 8), 0),
    _dynptr("a record that was not to be had is lost", _RECORD + "r0 = 3; exit",
            Traps(rules.REFERENCE_LEAK, 8), NO_MEMORY),
    _dynptr("a record's dynptr is submitted twice", _RECORD + 2 * _SUBMIT + "r0 = 3; exit",
            Traps(rules.HELPER_ARGUMENT, 14), 0),
    _dynptr("a local dynptr is submitted", _LOCAL.format(8, 0) + _SUBMIT + "r0 = 3; exit",
            Traps(rules.HELPER_ARGUMENT, 11)),
    _dynptr("a record is submitted by its clone", _RECORD + _CLONE + _SUBMIT.replace("-16", "-32")
            + "r0 = 3; exit", Returns(3), 0),
    _dynptr("the clone of a submitted record", _RECORD + _CLONE + _SUBMIT + _SIZE.replace("-16", "-32")
            + "exit", Traps(rules.HELPER_ARGUMENT, 18), 0),
    _dynptr("a record's memory is written after it is submitted",
            _RECORD + _DATA.format(0, 8) + "if r0 == 0 goto pc+5; r7 = r0; " + _SUBMIT + "*(u8 *)(r7 +0) = 1; "
            + "exit", Traps(rules.USE_AFTER_RELEASE, 18), 0),
    _dynptr("a record's bytes come back",
            _RECORD + "*(u64 *)(r10 -24) = 5; " + _WRITE.format(0, 8) + _READ.format(40, 8, 0) + _SUBMIT
            + "r0 = *(u64 *)(r10 -40); exit", Returns(5), 0),
)  # fmt: skip
ROWS: tuple[Row, ...] = (*STRUCTURES, *SECTIONS, *FLAGS, *ITERATORS, *BITS, *DYNPTRS)
