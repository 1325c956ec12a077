"""Helpers that look at tasks, memory and events (kernel/trace/bpf_trace.c, kernel/bpf/helpers.c; Linux
6.12)."""

from __future__ import annotations

from ebpf.helpers.general import LONG
from ebpf.helpers.prototype import Arg, ArgKind, Prototype, ResultKind, helper

A, R = ArgKind, ResultKind
TASK, INODE, FILE, SEQ_FILE, CGROUP = (
    Arg(A.BTF_ID, name=name) for name in ("task_struct", "inode", "file", "seq_file", "cgroup")
)


def _or_null(arg: Arg) -> Arg:
    return Arg(A.BTF_ID_OR_NULL, name=arg.name)


def _storage(owner: Arg) -> tuple[ArgKind | Arg, ...]:
    return A.CONST_MAP, _or_null(owner), A.MAP_VALUE_OR_NULL, A.ANYTHING


_READ = (A.MEM_UNINIT, A.SIZE_OR_ZERO, A.ANYTHING)
MEMORY: tuple[Prototype, ...] = (
    helper("probe_read", *_READ, gpl=True, since="4.1"),
    helper("probe_read_str", *_READ, gpl=True, since="4.11"),
    *(
        helper(f"probe_read_{kind}", *_READ, gpl=True, since="5.5")
        for kind in ("user", "kernel", "user_str", "kernel_str")
    ),
    helper("probe_write_user", A.ANYTHING, A.MEM_RDONLY, A.SIZE, gpl=True, since="4.8"),
    helper("copy_from_user", *_READ, sleepable=True, since="5.10"),
    helper("copy_from_user_task", *_READ, TASK, A.ANYTHING, gpl=True, sleepable=True, since="5.18"),
    helper("per_cpu_ptr", A.PERCPU_BTF_ID, A.ANYTHING, result=R.MEM_OR_BTF_ID_OR_NULL, since="5.10"),
    helper("this_cpu_ptr", A.PERCPU_BTF_ID, result=R.MEM_OR_BTF_ID, since="5.10"),
)
TASKS: tuple[Prototype, ...] = (
    helper("get_current_pid_tgid", since="4.2"),
    helper("get_current_uid_gid", since="4.2"),
    helper("get_current_comm", A.MEM_UNINIT, A.SIZE, since="4.2"),
    helper("get_current_task", gpl=True, since="4.8"),
    helper("get_current_task_btf", result=R.BTF_ID, gpl=True, since="5.11"),
    helper("get_ns_current_pid_tgid", A.ANYTHING, A.ANYTHING, A.MEM_UNINIT, A.SIZE, since="5.7"),
    helper("get_current_cgroup_id", since="4.18"),
    helper("get_current_ancestor_cgroup_id", A.ANYTHING, since="5.7"),
    helper("current_task_under_cgroup", A.CONST_MAP, A.ANYTHING, since="4.9"),
    helper("task_pt_regs", TASK, result=R.BTF_ID, gpl=True, since="5.15"),
    helper("find_vma", TASK, A.ANYTHING, A.FUNC, A.STACK_OR_NULL, A.ANYTHING, since="5.17"),
    helper("send_signal", A.ANYTHING, since="5.3"),
    helper("send_signal_thread", A.ANYTHING, since="5.5"),
    helper("task_storage_get", *_storage(TASK), result=R.MAP_VALUE_OR_NULL, since="5.11"),
    helper("task_storage_delete", A.CONST_MAP, _or_null(TASK), since="5.11"),
    helper("cgrp_storage_get", *_storage(CGROUP), result=R.MAP_VALUE_OR_NULL, since="6.2"),
    helper("cgrp_storage_delete", A.CONST_MAP, _or_null(CGROUP), since="6.2"),
)
_OUTPUT = (A.CONST_MAP, A.ANYTHING, A.MEM_RDONLY, A.SIZE_OR_ZERO)
EVENTS: tuple[Prototype, ...] = (
    helper("perf_event_read", A.CONST_MAP, A.ANYTHING, gpl=True, since="4.3"),
    helper("perf_event_output", A.CTX, *_OUTPUT, gpl=True, since="4.4"),
    helper("perf_event_read_value", A.CONST_MAP, A.ANYTHING, A.MEM_UNINIT, A.SIZE, gpl=True, since="4.15"),
    helper("perf_prog_read_value", A.CTX, A.MEM_UNINIT, A.SIZE, gpl=True, since="4.15"),
    helper("read_branch_records", A.CTX, A.MEM_OR_NULL, A.SIZE_OR_ZERO, A.ANYTHING, gpl=True, since="5.6"),
    helper("get_branch_snapshot", A.MEM_UNINIT, A.SIZE_OR_ZERO, gpl=True, since="5.16"),
    helper("get_stackid", A.CTX, A.CONST_MAP, A.ANYTHING, gpl=True, since="4.6"),
    helper("get_stack", A.CTX, A.MEM_UNINIT, A.SIZE_OR_ZERO, A.ANYTHING, gpl=True, since="4.18"),
    helper("get_task_stack", TASK, A.MEM_UNINIT, A.SIZE_OR_ZERO, A.ANYTHING, since="5.9"),
    helper("skb_output", Arg(A.BTF_ID, name="sk_buff"), *_OUTPUT, gpl=True, since="5.5"),
    helper("xdp_output", Arg(A.BTF_ID, name="xdp_buff"), *_OUTPUT, gpl=True, since="5.6"),
)
ATTACHMENT: tuple[Prototype, ...] = (
    helper("override_return", A.CTX, A.ANYTHING, gpl=True, since="4.16"),
    helper("get_func_ip", A.CTX, gpl=True, since="5.15"),
    helper("get_attach_cookie", A.CTX, since="5.15"),
    helper("get_func_arg", A.CTX, A.ANYTHING, LONG, since="5.17"),
    helper("get_func_ret", A.CTX, LONG, since="5.17"),
    helper("get_func_arg_cnt", A.CTX, since="5.17"),
)
FILES: tuple[Prototype, ...] = (
    helper(
        "seq_printf",
        SEQ_FILE,
        A.MEM_RDONLY,
        A.SIZE,
        A.MEM_OR_NULL_RDONLY,
        A.SIZE_OR_ZERO,
        gpl=True,
        since="5.7",
    ),
    helper("seq_write", SEQ_FILE, A.MEM_RDONLY, A.SIZE_OR_ZERO, gpl=True, since="5.7"),
    helper("seq_printf_btf", SEQ_FILE, A.MEM_RDONLY, A.SIZE_OR_ZERO, A.ANYTHING, gpl=True, since="5.10"),
    helper("d_path", Arg(A.BTF_ID, name="path"), A.MEM, A.SIZE_OR_ZERO, since="5.10"),
    helper("inode_storage_get", *_storage(INODE), result=R.MAP_VALUE_OR_NULL, since="5.10"),
    helper("inode_storage_delete", A.CONST_MAP, _or_null(INODE), since="5.10"),
    helper("bprm_opts_set", Arg(A.BTF_ID, name="linux_binprm"), A.ANYTHING, since="5.11"),
    helper("ima_inode_hash", INODE, A.MEM_UNINIT, A.SIZE, sleepable=True, since="5.11"),
    helper("ima_file_hash", FILE, A.MEM_UNINIT, A.SIZE, sleepable=True, since="5.18"),
    helper("sock_from_file", FILE, result=R.BTF_ID_OR_NULL, since="5.11"),
)
PROTOTYPES: tuple[Prototype, ...] = (*MEMORY, *TASKS, *EVENTS, *ATTACHMENT, *FILES)
