"""Kernel functions: the objects that they give, and what they take."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

ROWS = (
    Row("a key taken and put",
        "r1 = 3; call kfunc bpf_lookup_system_key; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_key_put; r0 = 0; exit",
        "safe", type_="lsm"),
    Row("a user's key taken and put",
        "r1 = 3; r2 = 0; call kfunc bpf_lookup_user_key; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_key_put; r0 = 0; exit",
        "safe; helper-sleeps@2", type_="lsm"),
    Row("a key of two numbers without the second",
        "r1 = 3; call kfunc bpf_lookup_user_key; r0 = 0; exit",
        "unsafe uninitialised-register@1; helper-sleeps@1", type_="lsm"),
    Row("a key that may be null put",
        "r1 = 3; call kfunc bpf_lookup_system_key; r1 = r0; call kfunc bpf_key_put; r0 = 0; exit",
        "unsafe helper-argument@3; null-check@3", type_="lsm"),
    Row("null put",
        "r1 = 0; call kfunc bpf_key_put; r0 = 0; exit",
        "unsafe helper-argument@1", type_="lsm"),
    Row("a key not put",
        "r1 = 3; call kfunc bpf_lookup_system_key; r0 = 0; exit",
        "unsafe unreleased-reference@3", type_="lsm"),
    Row("a key put twice",
        "r1 = 3; call kfunc bpf_lookup_system_key; r6 = r0; if r0 == 0 goto pc+4; r1 = r6; "
        "call kfunc bpf_key_put; r1 = r6; call kfunc bpf_key_put; r0 = 0; exit",
        "unsafe helper-argument@7", type_="lsm"),
    Row("a key of a pointer",
        "r1 = r10; call kfunc bpf_lookup_system_key; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_key_put; r0 = 0; exit",
        "safe; helper-argument@1", type_="lsm"),
    Row("a key that was moved put",
        "r1 = 3; call kfunc bpf_lookup_system_key; if r0 == 0 goto pc+3; r1 = r0; r1 += 8; "
        "call kfunc bpf_key_put; r0 = 0; exit",
        "unsafe helper-argument@5", type_="lsm"),
    Row("a key that may have been moved put",
        "r6 = *(u64 *)(r10 -8); r6 &= 8; r1 = 3; call kfunc bpf_lookup_system_key; "
        "if r0 == 0 goto pc+3; r1 = r0; r1 += r6; call kfunc bpf_key_put; r0 = 0; exit",
        "unknown: helper-argument at instruction 7: no witness replays; "
        "uninitialised-stack@0 before 6.1", type_="lsm"),
    Row("a key moved and moved back",
        "r1 = 3; call kfunc bpf_lookup_system_key; if r0 == 0 goto pc+4; r1 = r0; r1 += 8; "
        "r1 += -8; call kfunc bpf_key_put; r0 = 0; exit",
        "safe", type_="lsm"),
    Row("the stack put",
        "r1 = r10; call kfunc bpf_key_put; r0 = 0; exit",
        "unsafe helper-argument@1", type_="lsm"),
    Row("a key put leaves nothing in R0",
        "r1 = 3; call kfunc bpf_lookup_system_key; if r0 == 0 goto pc+3; r1 = r0; "
        "call kfunc bpf_key_put; exit; r0 = 0; exit",
        "unsafe no-return-value@5", type_="lsm"),
    Row("a key leaves nothing in R2",
        "r2 = 0; r1 = 3; call kfunc bpf_lookup_system_key; r6 = r2; r0 = 0; exit",
        "unsafe uninitialised-register@3", type_="lsm"),
    Row("a key's field",
        "r1 = 3; call kfunc bpf_lookup_system_key; if r0 == 0 goto pc+4; r6 = r0; "
        "r7 = *(u64 *)(r6 +0); r1 = r6; call kfunc bpf_key_put; r0 = 0; exit",
        "unknown: accesses through kernel", type_="lsm"),
    Row("a key for a task",
        "r1 = 3; call kfunc bpf_lookup_system_key; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_task_release; r0 = 0; exit",
        "unsafe helper-argument@4", type_="lsm"),
    Row("a set of processors for a task",
        "call kfunc bpf_cpumask_create; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_task_release; r0 = 0; exit",
        "unsafe helper-argument@3", type_="syscall"),
    Row("a set of processors, read",
        "call kfunc bpf_cpumask_create; if r0 == 0 goto pc+5; r6 = r0; r1 = r0; "
        "call kfunc bpf_cpumask_first; r1 = r6; call kfunc bpf_cpumask_release; r0 = 0; exit",
        "safe", type_="syscall"),
    Row("a set of processors, taken again, is there",
        "call kfunc bpf_cpumask_create; if r0 == 0 goto pc+7; r6 = r0; r1 = r0; "
        "call kfunc bpf_cpumask_acquire; r1 = r0; call kfunc bpf_cpumask_release; r1 = r6; "
        "call kfunc bpf_cpumask_release; r0 = 0; exit",
        "safe", type_="syscall"),
    Row("a set of processors from a buffer",
        "*(u64 *)(r10 -8) = 7; call kfunc bpf_cpumask_create; if r0 == 0 goto pc+8; r6 = r0; r1 = r0; "
        "r2 = r10; r2 += -8; r3 = 8; call kfunc bpf_cpumask_populate; r1 = r6; "
        "call kfunc bpf_cpumask_release; r0 = 0; exit",
        "safe", type_="syscall"),
    Row("a set of processors from beyond the stack",
        "*(u64 *)(r10 -8) = 7; call kfunc bpf_cpumask_create; if r0 == 0 goto pc+8; r6 = r0; r1 = r0; "
        "r2 = r10; r2 += -8; r3 = 9; call kfunc bpf_cpumask_populate; r1 = r6; "
        "call kfunc bpf_cpumask_release; r0 = 0; exit",
        "unsafe stack-bounds@8", type_="syscall"),
    Row("a set of processors from a buffer of unknown size",
        "*(u64 *)(r10 -8) = 7; r7 = *(u64 *)(r10 -8); call kfunc bpf_cpumask_create; "
        "if r0 == 0 goto pc+8; r6 = r0; r1 = r0; r2 = r10; r2 += -8; r3 = r10; "
        "call kfunc bpf_cpumask_populate; r1 = r6; call kfunc bpf_cpumask_release; r0 = 0; exit",
        "unsafe helper-argument@9", type_="syscall"),
    Row("a map's elements are counted",
        "r1 = map[0]; call kfunc bpf_map_sum_elem_count; exit", "safe", maps="H", type_="tracepoint"),
    Row("the elements of no map are counted",
        "r1 = r10; call kfunc bpf_map_sum_elem_count; r0 = 0; exit",
        "unsafe helper-argument@1", type_="tracepoint"),
    Row("strings at any address, or at none",
        "call kfunc bpf_strcmp; r0 = 0; exit", "safe", type_="tracepoint"),
    Row("a structure that need not be released",
        "r1 = r10; r1 = 0; call kfunc bpf_get_kmem_cache; r0 = 0; exit", "safe", type_="tracepoint"),
    Row("a task taken twice",
        "r1 = 1; call kfunc bpf_task_from_pid; if r0 == 0 goto pc+8; r6 = r0; r1 = r0; "
        "call kfunc bpf_task_acquire; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_task_release; r1 = r6; call kfunc bpf_task_release; r0 = 0; exit",
        "safe", type_="syscall"),
    Row("a task taken twice and put once",
        "r1 = 1; call kfunc bpf_task_from_pid; if r0 == 0 goto pc+5; r6 = r0; r1 = r0; "
        "call kfunc bpf_task_acquire; r1 = r6; call kfunc bpf_task_release; r0 = 0; exit",
        "unsafe unreleased-reference@9", type_="syscall"),
    Row("a mask of processors",
        "call kfunc bpf_cpumask_create; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_cpumask_release; r0 = 0; exit",
        "safe", type_="syscall"),
    Row("a control group's ancestor",
        "r1 = 1; call kfunc bpf_cgroup_from_id; if r0 == 0 goto pc+9; r6 = r0; r1 = r0; r2 = 1; "
        "call kfunc bpf_cgroup_ancestor; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_cgroup_release; r1 = r6; call kfunc bpf_cgroup_release; r0 = 0; exit",
        "safe", type_="syscall"),
    Row("an object of the test functions",
        "*(u64 *)(r10 -8) = 7; r1 = r10; r1 += -8; call kfunc bpf_kfunc_call_test_acquire; "
        "if r0 == 0 goto pc+5; r6 = r0; r1 = r0; call kfunc bpf_kfunc_call_test_ref; r1 = r6; "
        "call kfunc bpf_kfunc_call_test_release; r0 = 0; exit",
        "safe"),
    Row("an object's memory is changed",
        "*(u64 *)(r10 -8) = 7; r1 = r10; r1 += -8; call kfunc bpf_kfunc_call_test_acquire; "
        "if r0 == 0 goto pc+2; r1 = r0; call kfunc bpf_kfunc_call_test_release; "
        "r0 = *(u64 *)(r10 -8); if r0 == 7 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@9"),
    Row("an object's memory beyond the stack",
        "*(u64 *)(r10 -8) = 7; r1 = r10; r1 += -7; call kfunc bpf_kfunc_call_test_acquire; "
        "r0 = 0; exit",
        "unsafe stack-bounds@3"),
    Row("an object's memory that is none",
        "r1 = 5; call kfunc bpf_kfunc_call_test_acquire; r0 = 0; exit",
        "unsafe helper-argument@1"),
    Row("what may sleep in a section",
        "call kfunc bpf_rcu_read_lock; r1 = 3; r2 = 0; call kfunc bpf_lookup_user_key; "
        "if r0 == 0 goto pc+2; r1 = r0; call kfunc bpf_key_put; call kfunc bpf_rcu_read_unlock; "
        "r0 = 0; exit",
        "safe; helper-sleeps@3; sleeps-in-section@3", type_="lsm"),
    Row("a helper that may sleep in a section",
        "call kfunc bpf_preempt_disable; *(u64 *)(r10 -8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = 0; "
        "call bpf_copy_from_user#148; call kfunc bpf_preempt_enable; r0 = 0; exit",
        "safe; sleeps-in-section@6", type_="tracepoint"),
    Row("an RCU section in another",
        "call kfunc bpf_rcu_read_lock; call kfunc bpf_rcu_read_lock; call kfunc bpf_rcu_read_unlock; "
        "call kfunc bpf_rcu_read_unlock; r0 = 0; exit",
        "safe; section-nested@1 before 6.19", type_="tracepoint"),
    Row("a section on one of two ways",
        "call bpf_get_prandom_u32#7; if r0 == 0 goto pc+1; call kfunc bpf_preempt_disable; "
        "call kfunc bpf_preempt_enable; r0 = 0; exit",
        "unsafe section-unmatched@3", type_="tracepoint"),
    Row("a section that is not ended on one of two ways",
        "call kfunc bpf_preempt_disable; call bpf_get_prandom_u32#7; if r0 == 0 goto pc+1; "
        "call kfunc bpf_preempt_enable; r0 = 0; exit",
        "unsafe section-at-exit@5", type_="tracepoint"),
    Row("a legacy packet load in a section",
        "r6 = r1; call kfunc bpf_rcu_read_lock; r0 = *(u8 *)skb[0]; call kfunc bpf_rcu_read_unlock; "
        "r0 = 0; exit",
        "unsafe section-at-exit@2; section-at-exit@2", type_="sched_cls"),
    Row("a number of an iterator without a comparison",
        "r1 = r10; r1 += -8; r2 = 0; r3 = 3; call kfunc bpf_iter_num_new; r1 = r10; r1 += -8; "
        "call kfunc bpf_iter_num_next; r6 = *(u32 *)(r0 +0); r1 = r10; r1 += -8; "
        "call kfunc bpf_iter_num_destroy; r0 = 0; exit",
        "safe; null-check@8", type_="tracepoint"),
    Row("numbers of which nothing is known",
        "r6 = *(u32 *)(r1 +0); r6 &= 3; r1 = r10; r1 += -8; r2 = 0; r3 = r6; "
        "call kfunc bpf_iter_num_new; r7 = 0; r1 = r10; r1 += -8; call kfunc bpf_iter_num_next; "
        "if r0 == 0 goto pc+2; r7 += 1; goto pc-6; r1 = r10; r1 += -8; call kfunc bpf_iter_num_destroy; "
        "if r7 < 4 goto pc+1; r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        "safe", type_="sched_cls"),
    Row("an iterator's number as an index",
        "r6 = map[0][0]+0; r1 = r10; r1 += -8; r2 = 0; r3 = 9; call kfunc bpf_iter_num_new; "
        "r1 = r10; r1 += -8; call kfunc bpf_iter_num_next; if r0 == 0 goto pc+5; "
        "r1 = *(u32 *)(r0 +0); r2 = r6; r2 += r1; *(u8 *)(r2 +0) = 0; goto pc-9; r1 = r10; r1 += -8; "
        "call kfunc bpf_iter_num_destroy; r0 = 0; exit",
        "unsafe map-value-bounds@14", type_="tracepoint", maps="V"),
    Row("a dynptr's memory without a comparison",
        "r1 = map[0][0]+0; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem#197; r1 = r10; "
        "r1 += -16; r2 = 0; r3 = 8; call bpf_dynptr_data#203; r0 = *(u32 *)(r0 +0); r0 = 0; exit",
        "safe; null-check@12", type_="tracepoint", maps="V"),
    Row("a dynptr of as many bytes as the input says",
        "r5 = *(u32 *)(r1 +0); r5 &= 7; r1 = map[0][0]+0; r2 = r5; r3 = 0; r4 = r10; r4 += -16; "
        "call bpf_dynptr_from_mem#197; r0 = 0; exit",
        "unknown: the size of a dynptr that is not constant", type_="sched_cls", maps="V"),
    Row("a dynptr of a record is made over another",
        "r1 = map[0]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_ringbuf_reserve_dynptr#198; "
        "r1 = map[0]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_ringbuf_reserve_dynptr#198; r0 = 0; exit",
        "unsafe unreleased-reference@15; helper-argument@13", type_="tracepoint", maps="R"),
    Row("a packet's bytes through a dynptr are unknown",
        "r2 = 0; r3 = r10; r3 += -16; call kfunc bpf_dynptr_from_skb; r1 = r10; r1 += -24; r2 = 8; "
        "r3 = r10; r3 += -16; r4 = 0; r5 = 0; call bpf_dynptr_read#201; r1 = *(u64 *)(r10 -24); r1 &= 7; "
        "r2 = map[0][0]+0; r2 += r1; r0 = *(u8 *)(r2 +0); r0 = 0; exit",
        "safe", type_="sched_cls", maps="V"),
    Row("the packet's structure of a netfilter program given for a context",
        "r1 = *(u64 *)(r1 +8); r2 = 0; r3 = r10; r3 += -16; call kfunc bpf_dynptr_from_skb; r0 = 1; exit",
        "unknown: a kernel structure given for a context; context-access@0 before 6.6", type_="netfilter"),
    Row("an iterator of more words of bits than there may be",
        "r1 = r10; r1 += -16; r2 = r10; r3 = 512; call kfunc bpf_iter_bits_new; r1 = r10; r1 += -16; "
        "call kfunc bpf_iter_bits_next; if r0 == 0 goto pc+1; r0 = *(u64 *)(r10 -512); r1 = r10; r1 += -16; "
        "call kfunc bpf_iter_bits_destroy; r0 = 0; exit",
        "safe", type_="syscall"),
    Row("an iterator of one word's bits ends after 64 steps",
        "r6 = 0; r5 = *(u64 *)(r1 +0); *(u64 *)(r10 -8) = r5; r1 = r10; r1 += -24; r2 = r10; r2 += -8; "
        "r3 = 1; call kfunc bpf_iter_bits_new; r1 = r10; r1 += -24; call kfunc bpf_iter_bits_next; "
        "if r0 == 0 goto pc+2; r6 += 1; goto pc-6; r1 = r10; r1 += -24; call kfunc bpf_iter_bits_destroy; "
        "if r6 < 65 goto pc+1; r0 = *(u64 *)(r10 -512); r0 = 0; exit",
        "safe", type_="syscall"),
    Row("a kernel function that is not known",
        "call kfunc bpf_obj_new_impl; r0 = 0; exit",
        "unknown: kernel functions"),
    Row("a kernel function in a program that is not GPL",
        "call kfunc bpf_cpumask_create; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_cpumask_release; r0 = 0; exit",
        "safe; kernel-function-gpl-only@0; kernel-function-gpl-only@3", license="MIT"),
    Row("a kernel function without privilege",
        "call kfunc bpf_cpumask_create; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_cpumask_release; r0 = 0; exit",
        "safe; privileged-call@0; privileged-call@3", type_="socket_filter", privileged=False),
    Row("a kernel function under a lock",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+5; r6 = r0; r1 = r0; call bpf_spin_lock#93; r1 = 3; "
        "call kfunc bpf_lookup_system_key; r0 = 0; exit",
        "unknown: kernel functions", maps="L"),
)  # fmt: skip
