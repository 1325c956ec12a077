"""Which program types may call which kernel functions.

Functions are registered in sets, each for some hooks (register_btf_kfunc_id_set), and several program types
share a hook (kernel/bpf/btf.c: bpf_prog_type_to_kfunc_hook).  The releases are the first that was seen to
allow it, of 6.12, 6.18, 7.1 and 7.3; ``tests/pipeline/test_kernel_functions.py`` asks every pair.
"""

from __future__ import annotations

from enum import Enum

from ebpf.program_types import ProgramType as T
from ebpf.releases import Since

_CGROUP = (
    T.CGROUP_SKB, T.CGROUP_SOCK, T.CGROUP_DEVICE, T.CGROUP_SOCK_ADDR, T.CGROUP_SYSCTL, T.CGROUP_SOCKOPT,
)  # fmt: skip
_TRACING = (T.TRACEPOINT, T.PERF_EVENT, T.TRACING, T.LSM)
_RAW = dict.fromkeys((T.RAW_TRACEPOINT,), "7.1")
_SOCK_OPS = dict.fromkeys((T.SOCK_OPS,), "6.18")


class Hook(Enum):
    """Who may call a function: by program type, since when.  A type that is not listed may not; of a type
    that we do not generate nothing is said."""

    NONE = "unknown"
    COMMON = "every type"
    GENERIC = "classifiers, XDP, control groups, tracing and system calls"
    KEYS = "tracing, and later what is generic"
    TRACING_OR_SYSCALL = "tracing and system calls"
    SYSCALL = "system calls"
    XDP = "XDP"
    SOCKET_BUFFER = "types with a socket buffer, and those that share a hook with one"

    def allows(self, program_type: T, release: str) -> bool:
        """Whether programs of the type may call what is registered so."""
        if self is Hook.COMMON:
            return True
        return release in Since(_ALLOWED[self].get(program_type, ""))


_ALLOWED: dict[Hook, dict[T, str]] = {
    Hook.NONE: {},
    Hook.GENERIC: dict.fromkeys((T.SCHED_CLS, T.XDP, T.SYSCALL, T.STRUCT_OPS, *_TRACING, *_CGROUP), "6.12")
    | _SOCK_OPS
    | _RAW,
    Hook.KEYS: dict.fromkeys(_TRACING, "6.12")
    | dict.fromkeys((T.SCHED_CLS, T.XDP, T.SYSCALL, T.STRUCT_OPS, *_CGROUP), "6.18")
    | _SOCK_OPS
    | _RAW,
    Hook.TRACING_OR_SYSCALL: dict.fromkeys((T.SYSCALL, T.STRUCT_OPS, *_TRACING), "6.12") | _RAW,
    Hook.SYSCALL: {T.SYSCALL: "6.12"},
    Hook.XDP: {T.XDP: "6.12"},
    Hook.SOCKET_BUFFER: dict.fromkeys(
        (
            T.SOCKET_FILTER,
            T.SCHED_CLS,
            T.SCHED_ACT,
            T.LWT_IN,
            T.LWT_OUT,
            T.LWT_XMIT,
            T.LWT_SEG6LOCAL,
            T.NETFILTER,
            T.SK_SKB,
            *_TRACING,
            *_CGROUP,
        ),
        "6.12",
    )
    | _SOCK_OPS
    | _RAW,
}
