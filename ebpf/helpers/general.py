"""Helpers that most programs have: maps, time, records, dynptrs, strings (kernel/bpf/helpers.c, ringbuf.c;
Linux 6.12)."""

from __future__ import annotations

from ebpf.helpers.prototype import Arg, ArgKind, Prototype, ResultKind, helper

A, R = ArgKind, ResultKind
LONG = Arg(A.FIXED_MEM_UNINIT, 8, aligned=True)
"""ARG_PTR_TO_LONG.  Before 6.12 the eight bytes had to be initialised, although no helper reads them."""

MAPS: tuple[Prototype, ...] = (
    helper("map_lookup_elem", A.CONST_MAP, A.MAP_KEY, result=R.MAP_VALUE_OR_NULL, packet=True),
    helper("map_update_elem", A.CONST_MAP, A.MAP_KEY, A.MAP_VALUE, A.ANYTHING, packet=True),
    helper("map_delete_elem", A.CONST_MAP, A.MAP_KEY, packet=True),
    helper("map_push_elem", A.CONST_MAP, A.MAP_VALUE, A.ANYTHING, packet=True, since="4.20"),
    helper("map_pop_elem", A.CONST_MAP, A.MAP_VALUE_UNINIT, since="4.20"),
    helper("map_peek_elem", A.CONST_MAP, A.MAP_VALUE_UNINIT, since="4.20"),
    helper(
        "map_lookup_percpu_elem",
        A.CONST_MAP,
        A.MAP_KEY,
        A.ANYTHING,
        result=R.MAP_VALUE_OR_NULL,
        packet=True,
        since="5.19",
    ),
    helper("tail_call", A.CTX, A.CONST_MAP, A.ANYTHING, result=R.VOID, since="4.2"),
    helper("spin_lock", A.SPIN_LOCK, result=R.VOID, since="5.1"),
    helper("spin_unlock", A.SPIN_LOCK, result=R.VOID, since="5.1"),
    helper(
        "kptr_xchg",
        A.KPTR,
        A.BTF_ID_OR_NULL,
        result=R.BTF_ID_OR_NULL,
        acquires=True,
        releases=2,
        since="5.19",
    ),
    helper("timer_init", A.TIMER, A.CONST_MAP, A.ANYTHING, gpl=True, since="5.15"),
    helper("timer_set_callback", A.TIMER, A.FUNC, gpl=True, since="5.15"),
    helper("timer_start", A.TIMER, A.ANYTHING, A.ANYTHING, gpl=True, since="5.15"),
    helper("timer_cancel", A.TIMER, gpl=True, since="5.15"),
)
LOOPS: tuple[Prototype, ...] = (
    helper("for_each_map_elem", A.CONST_MAP, A.FUNC, A.STACK_OR_NULL, A.ANYTHING, since="5.13"),
    helper("loop", A.ANYTHING, A.FUNC, A.STACK_OR_NULL, A.ANYTHING, since="5.17"),
    helper("user_ringbuf_drain", A.CONST_MAP, A.FUNC, A.STACK_OR_NULL, A.ANYTHING, since="6.1"),
)
NUMBERS: tuple[Prototype, ...] = (
    helper("ktime_get_ns", since="4.1"),
    helper("ktime_get_boot_ns", since="5.8"),
    helper("ktime_get_coarse_ns", since="5.11"),
    helper("ktime_get_tai_ns", since="6.1"),
    helper("jiffies64", since="5.6"),
    helper("get_prandom_u32", since="4.1"),
    helper("get_smp_processor_id", since="4.1"),
    helper("get_numa_node_id", since="4.10"),
)
STRINGS: tuple[Prototype, ...] = (
    helper("strtol", A.MEM_RDONLY, A.SIZE, A.ANYTHING, LONG, since="5.2"),
    helper("strtoul", A.MEM_RDONLY, A.SIZE, A.ANYTHING, LONG, since="5.2"),
    helper("strncmp", A.MEM_RDONLY, A.SIZE, A.CONST_STR, since="5.17"),
    helper(
        "snprintf",
        A.MEM_OR_NULL,
        A.SIZE_OR_ZERO,
        A.CONST_STR,
        A.MEM_OR_NULL_RDONLY,
        A.SIZE_OR_ZERO,
        gpl=True,
        since="5.13",
    ),
    helper("snprintf_btf", A.MEM, A.SIZE, A.MEM_RDONLY, A.SIZE, A.ANYTHING, since="5.10"),
    helper("trace_printk", A.MEM_RDONLY, A.SIZE, gpl=True, since="4.1"),
    helper(
        "trace_vprintk", A.MEM_RDONLY, A.SIZE, A.MEM_OR_NULL_RDONLY, A.SIZE_OR_ZERO, gpl=True, since="5.16"
    ),
    helper("kallsyms_lookup_name", A.MEM, A.SIZE_OR_ZERO, A.ANYTHING, LONG, since="5.16"),
)
RECORDS: tuple[Prototype, ...] = (
    helper("ringbuf_output", A.CONST_MAP, A.MEM_RDONLY, A.SIZE_OR_ZERO, A.ANYTHING, since="5.8"),
    helper("ringbuf_reserve", A.CONST_MAP, A.ALLOC_SIZE_OR_ZERO, A.ANYTHING, result=R.ALLOC_MEM_OR_NULL,
           acquires=True,
           since="5.8"),
    helper("ringbuf_submit", A.RINGBUF_MEM, A.ANYTHING, result=R.VOID, releases=1, since="5.8"),
    helper("ringbuf_discard", A.RINGBUF_MEM, A.ANYTHING, result=R.VOID, releases=1, since="5.8"),
    helper("ringbuf_query", A.CONST_MAP, A.ANYTHING, since="5.8"),
)  # fmt: skip
DYNPTRS: tuple[Prototype, ...] = (
    helper(
        "dynptr_from_mem",
        A.MEM_UNINIT,
        A.SIZE_OR_ZERO,
        A.ANYTHING,
        Arg(A.DYNPTR_UNINIT, 16, "local"),
        since="5.19",
    ),
    helper(
        "ringbuf_reserve_dynptr",
        A.CONST_MAP,
        A.ANYTHING,
        A.ANYTHING,
        Arg(A.DYNPTR_UNINIT, 16, "ringbuf"),
        since="5.19",
    ),
    helper(
        "ringbuf_submit_dynptr",
        Arg(A.DYNPTR, 16, "ringbuf"),
        A.ANYTHING,
        result=R.VOID,
        releases=1,
        since="5.19",
    ),
    helper(
        "ringbuf_discard_dynptr",
        Arg(A.DYNPTR, 16, "ringbuf"),
        A.ANYTHING,
        result=R.VOID,
        releases=1,
        since="5.19",
    ),
    helper(
        "dynptr_read", A.MEM_UNINIT, A.SIZE_OR_ZERO, Arg(A.DYNPTR, 16), A.ANYTHING, A.ANYTHING, since="5.19"
    ),
    helper(
        "dynptr_write", Arg(A.DYNPTR, 16), A.ANYTHING, A.MEM_RDONLY, A.SIZE_OR_ZERO, A.ANYTHING, since="5.19"
    ),
    helper(
        "dynptr_data",
        Arg(A.DYNPTR, 16),
        A.ANYTHING,
        A.ALLOC_SIZE_OR_ZERO,
        result=R.DYNPTR_MEM_OR_NULL,
        since="5.19",
    ),
)
SYSCALLS: tuple[Prototype, ...] = (
    helper("sys_bpf", A.ANYTHING, A.MEM_RDONLY, A.SIZE, since="5.14"),
    helper("btf_find_by_name_kind", A.MEM_RDONLY, A.SIZE, A.ANYTHING, A.ANYTHING, since="5.14"),
    helper("sys_close", A.ANYTHING, since="5.14"),
)
PROTOTYPES: tuple[Prototype, ...] = (*MAPS, *LOOPS, *NUMBERS, *STRINGS, *RECORDS, *DYNPTRS, *SYSCALLS)
