"""Kernel pointers in the value of a map: whole or not at all."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

_EXCHANGE = "r1 = map[0][0]+8; r2 = 0; call bpf_kptr_xchg#194; "
_LOAD = "r2 = map[0][0]+0; r0 = *(u64 *)(r2 +8); "
_TASK = "r1 = 1; call kfunc bpf_task_from_pid; r6 = r0; if r0 == 0 goto pc+{}; "
ROWS = (
    Row("before a kernel pointer",
        "r2 = map[0][0]+0; *(u64 *)(r2 +0) = 1; r0 = 0; exit",
        "safe", maps="K"),
    Row("a kernel pointer",
        "r2 = map[0][0]+0; r0 = *(u64 *)(r2 +8); r0 = 0; exit",
        "safe", maps="K"),
    Row("a kernel pointer is written",
        "r2 = map[0][0]+0; *(u64 *)(r2 +8) = 0; r0 = 0; exit",
        "unknown: stores to kernel pointers in map values; special-field@2 since 6.4", maps="K"),
    Row("an untrusted kernel pointer is written",
        "r2 = map[0][0]+0; *(u64 *)(r2 +16) = 0; r0 = 0; exit",
        "unknown: stores to kernel pointers in map values", maps="K"),
    Row("what a value held is released",
        _EXCHANGE + "if r0 == 0 goto pc+2; r1 = r0; call kfunc bpf_task_release; r0 = 0; exit",
        "safe", maps="K"),
    Row("what a value held is released unchecked",
        _EXCHANGE + "r1 = r0; call kfunc bpf_task_release; r0 = 0; exit",
        "unsafe helper-argument@5; null-check@5", maps="K"),
    Row("what a value held is lost",
        _EXCHANGE + "r0 = 0; exit",
        "unsafe unreleased-reference@5", maps="K"),
    Row("a task is put into a value",
        _TASK.format(7) + "r1 = map[0][0]+8; r2 = r6; call bpf_kptr_xchg#194; "
        "if r0 == 0 goto pc+2; r1 = r0; call kfunc bpf_task_release; r0 = 0; exit",
        "safe", maps="K"),
    Row("a task that may be null is put into a value",
        "r1 = 1; call kfunc bpf_task_from_pid; r2 = r0; r1 = map[0][0]+8; call bpf_kptr_xchg#194; "
        "if r0 == 0 goto pc+2; r1 = r0; call kfunc bpf_task_release; r0 = 0; exit",
        "safe", maps="K"),
    Row("a moved task is put into a value",
        _TASK.format(5) + "r1 = map[0][0]+8; r2 = r6; r2 += 8; call bpf_kptr_xchg#194; r0 = 0; exit",
        "unsafe helper-argument@8", maps="K"),
    Row("a control group is put where a task is held",
        "r1 = 1; call kfunc bpf_cgroup_from_id; r2 = r0; if r0 == 0 goto pc+3; r1 = map[0][0]+8; "
        "call bpf_kptr_xchg#194; r0 = 0; exit",
        "unsafe helper-argument@6", maps="K"),
    Row("a task is put beside the kernel pointer",
        _TASK.format(4) + "r1 = map[0][0]+0; r2 = r6; call bpf_kptr_xchg#194; r0 = 0; exit",
        "unsafe helper-argument@7", maps="K"),
    Row("an exchange of what holds no reference",
        "r1 = map[0][0]+16; r2 = 0; call bpf_kptr_xchg#194; r0 = 0; exit",
        "unknown: an exchange of a kernel pointer without a reference; helper-argument@3", maps="K"),
    Row("what a value holds is held",
        _LOAD + "if r0 == 0 goto pc+5; r1 = r0; call kfunc bpf_task_acquire; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_task_release; r0 = 0; exit",
        "safe", maps="K"),
    Row("what a value holds is held unchecked",
        _LOAD + "r1 = r0; call kfunc bpf_task_acquire; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_task_release; r0 = 0; exit",
        "unsafe helper-argument@4; null-check@4", maps="K"),
    Row("what a value holds is released",
        _LOAD + "if r0 == 0 goto pc+2; r1 = r0; call kfunc bpf_task_release; r0 = 0; exit",
        "unknown: a kernel structure that only RCU keeps", maps="K"),
    Row("what a value holds is put there again",
        _LOAD + "if r0 == 0 goto pc+4; r2 = r0; r1 = map[0][0]+8; call bpf_kptr_xchg#194; r0 = 0; exit",
        "unsafe release-unreferenced@7", maps="K"),
    Row("what a value holds is used where nothing keeps it",
        _LOAD + "if r0 == 0 goto pc+5; r1 = r0; call kfunc bpf_task_acquire; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_task_release; r0 = 0; exit",
        "unknown: a kernel structure that nothing keeps; helper-argument@5", maps="K", type_="syscall"),
    Row("what a value holds is used in a section",
        "call kfunc bpf_rcu_read_lock; " + _LOAD + "if r0 == 0 goto pc+3; r1 = r0; r2 = 1; "
        "call kfunc bpf_task_get_cgroup1; if r0 == 0 goto pc+2; r1 = r0; call kfunc bpf_cgroup_release; "
        "call kfunc bpf_rcu_read_unlock; r0 = 0; exit",
        "safe", maps="K", type_="syscall"),
    Row("what a value holds is used behind a section",
        "call kfunc bpf_rcu_read_lock; " + _LOAD + "r6 = r0; call kfunc bpf_rcu_read_unlock; "
        "if r6 == 0 goto pc+5; r1 = r6; call kfunc bpf_task_acquire; if r0 == 0 goto pc+2; r1 = r0; "
        "call kfunc bpf_task_release; r0 = 0; exit",
        "unknown: a kernel structure that nothing keeps; helper-argument@8", maps="K", type_="syscall"),
    Row("half a kernel pointer",
        "r2 = map[0][0]+0; r0 = *(u32 *)(r2 +8); r0 = 0; exit",
        "unsafe special-field@2", maps="K"),
    Row("the end of a kernel pointer",
        "r2 = map[0][0]+0; r0 = *(u8 *)(r2 +15); r0 = 0; exit",
        "unsafe special-field@2", maps="K"),
    Row("an untrusted kernel pointer in part",
        "r2 = map[0][0]+0; r0 = *(u16 *)(r2 +18); r0 = 0; exit",
        "unsafe special-field@2", maps="K"),
    Row("across the start of a kernel pointer",
        "r2 = map[0][0]+0; r2 += 4; *(u64 *)(r2 +0) = 0; r0 = 0; exit",
        "unsafe special-field@3", maps="K"),
    Row("a kernel pointer at a place that varies",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; r2 = map[0][0]+0; r2 += r6; r0 = *(u64 *)(r2 +0); "
        "r0 = 0; exit",
        "unknown: kernel pointers in map values; special-field@5", maps="K"),
    Row("before a kernel pointer at a place that varies",
        "r6 = *(u32 *)(r1 +8); r6 &= 4; r2 = map[0][0]+0; r2 += r6; r0 = *(u32 *)(r2 +0); "
        "r0 = 0; exit",
        "safe", maps="K"),
    Row("a kernel pointer for a key",
        "r2 = map[0][0]+0; r2 += 8; r1 = map[1]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe special-field@5", maps="K H8"),
    Row("before a kernel pointer for a key",
        "r2 = map[0][0]+0; r1 = map[1]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe", maps="K H8"),
)  # fmt: skip
