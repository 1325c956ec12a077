"""Kernel functions that begin and end sections of code (kernel/bpf/helpers.c: bpf_rcu_read_lock,
bpf_preempt_disable; kernel/bpf/verifier.c: check_kfunc_call; Linux 6.12)."""

from __future__ import annotations

from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.prototype import CodeSection, KernelArg, KernelArgKind, KernelFunction

ROWS = (
    KernelFunction("bpf_rcu_read_lock", hook=Hook.COMMON, void=True, begins=CodeSection.RCU),
    KernelFunction("bpf_rcu_read_unlock", hook=Hook.COMMON, void=True, ends=CodeSection.RCU),
    KernelFunction("bpf_preempt_disable", hook=Hook.COMMON, void=True, begins=CodeSection.PREEMPTION),
    KernelFunction("bpf_preempt_enable", hook=Hook.COMMON, void=True, ends=CodeSection.PREEMPTION),
    KernelFunction(
        "bpf_local_irq_save",
        (KernelArg(KernelArgKind.NEW_FLAGS, "flags", 8),),
        Hook.COMMON,
        "6.18",
        void=True,
        begins=CodeSection.INTERRUPTS,
    ),
    KernelFunction(
        "bpf_local_irq_restore",
        (KernelArg(KernelArgKind.FLAGS, "flags", 8),),
        Hook.COMMON,
        "6.18",
        void=True,
        ends=CodeSection.INTERRUPTS,
    ),
)
RCU_NESTS_SINCE = (6, 19)
"""Not in 6.18, and in 7.1 (seen)."""
