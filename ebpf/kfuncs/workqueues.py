"""Kernel functions on work queues: fields of a map's value that call a function of the program later
(kernel/bpf/helpers.c: bpf_wq_init; Linux 6.12)."""

from __future__ import annotations

from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.prototype import KernelArg, KernelFunction
from ebpf.kfuncs.prototype import KernelArgKind as A

_QUEUE, _NUMBER = KernelArg(A.WORKQUEUE), KernelArg(A.NUMBER)
SETTING = (("7.1", "bpf_wq_set_callback"), ("6.12", "bpf_wq_set_callback_impl"))
"""What gives a queue its function, by the first kernel that has it, the newest first: 7.3 names the other one
in its BTF, and has no address for it."""
ROWS = (
    KernelFunction("bpf_wq_init", (_QUEUE, KernelArg(A.MAP), _NUMBER), Hook.COMMON),
    KernelFunction(
        "bpf_wq_set_callback", (_QUEUE, KernelArg(A.CALLBACK), _NUMBER), Hook.COMMON, "7.1", defers=True
    ),
    KernelFunction(
        "bpf_wq_set_callback_impl",
        (_QUEUE, KernelArg(A.CALLBACK), _NUMBER, KernelArg(A.IGNORED)),
        Hook.COMMON,
        defers=True,
    ),
    KernelFunction("bpf_wq_start", (_QUEUE, _NUMBER), Hook.COMMON),
)
