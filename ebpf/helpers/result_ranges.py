"""Integer results: what kernels know of them, and what helpers really give.

Kernels know more than that a result has 64 bits of few helpers (do_refine_retval_range of
kernel/bpf/verifier.c; Linux 6.12).  A run never sees more than the helper's own type has.
"""

from __future__ import annotations

from ebpf.helpers.prototype import ArgKind, Prototype

MAX_ERRNO = 4095
_COPIES = frozenset(
    {"get_stack", "get_task_stack", "probe_read_str", "probe_read_kernel_str", "probe_read_user_str"}
)
"""They give a negative errno, or how many bytes of the buffer they filled."""
U32_RESULTS = frozenset({
    "get_prandom_u32", "get_smp_processor_id", "get_cgroup_classid", "get_route_realm", "get_hash_recalc",
    "get_socket_uid",
})  # fmt: skip
"""Helpers that return u32 (include/uapi/linux/bpf.h): the upper half of R0 is zero."""
SIZES = frozenset({ArgKind.SIZE, ArgKind.SIZE_OR_ZERO})


def size_argument(prototype: Prototype) -> int | None:
    """Which argument (1 to 5) says how large the first buffer is."""
    return next((number for number, arg in enumerate(prototype.args, 1) if arg.kind in SIZES), None)


def result_range(prototype: Prototype, size: int) -> tuple[int, int] | None:
    """The lowest and highest result that kernels reckon with, signed, where the buffer has ``size`` bytes;
    None where any number is one.

    The number of a CPU is below that of CPUs (since 6.10), which no program knows: that a machine has one is
    all that is sure.
    """
    if prototype.name in _COPIES:
        return -MAX_ERRNO, size
    return (0, 0) if prototype.name == "get_smp_processor_id" else None


def given_range(prototype: Prototype, size: int) -> tuple[int, int] | None:
    """The lowest and highest result that the helper can give, signed, whatever kernels know of it; None where
    any number is one."""
    if prototype.name in U32_RESULTS:
        return 0, (1 << 32) - 1
    if prototype.name == "get_retval":
        return -MAX_ERRNO, 0  # kernel/bpf/cgroup.c; newer kernels know it
    return result_range(prototype, size)
