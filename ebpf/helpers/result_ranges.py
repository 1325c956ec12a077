"""Integer results that the verifier knows more of than that they are 64 bits: do_refine_retval_range of
kernel/bpf/verifier.c (Linux 6.12).  For all other helpers any number is a result, whatever they really give:
that is what programs are verified for."""

from __future__ import annotations

from ebpf.helpers.prototype import ArgKind, Prototype

MAX_ERRNO = 4095
_COPIES = frozenset(
    {"get_stack", "get_task_stack", "probe_read_str", "probe_read_kernel_str", "probe_read_user_str"}
)
"""They give a negative errno, or how many bytes of the buffer they filled."""
SIZES = frozenset({ArgKind.SIZE, ArgKind.SIZE_OR_ZERO})


def size_argument(prototype: Prototype) -> int | None:
    """Which argument (1 to 5) says how large the first buffer is."""
    return next((number for number, arg in enumerate(prototype.args, 1) if arg.kind in SIZES), None)


def result_range(prototype: Prototype, size: int) -> tuple[int, int] | None:
    """The lowest and highest result, signed, where the buffer has ``size`` bytes; None where any number is
    one.

    The number of a CPU is below that of CPUs (since 6.10), which no program knows: that a machine has one is
    all that is sure.
    """
    if prototype.name in _COPIES:
        return -MAX_ERRNO, size
    return (0, 0) if prototype.name == "get_smp_processor_id" else None
