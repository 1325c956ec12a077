"""Helpers whose arguments depend on the program type: one number, several prototypes (Linux 6.12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ebpf.helpers.prototype import Arg, ArgKind, Prototype, ResultKind, helper
from ebpf.program_types import ProgramType

A, T = ArgKind, ProgramType
_WITHOUT_BUFFER = (T.CGROUP_SOCK, T.CGROUP_SOCK_ADDR, T.CGROUP_DEVICE, T.CGROUP_SYSCTL, T.CGROUP_SOCKOPT,
                   T.LSM,
                   T.SK_MSG,
                   # Since 6.16 (6.12 refuses it to them).
                   T.SOCKET_FILTER, T.KPROBE, T.TRACEPOINT, T.XDP, T.PERF_EVENT, T.CGROUP_SKB, T.SOCK_OPS,
                   T.SK_SKB,
                   T.RAW_TRACEPOINT, T.RAW_TRACEPOINT_WRITABLE, T.SK_REUSEPORT, T.FLOW_DISSECTOR, T.SK_LOOKUP,
                   T.SYSCALL, T.TRACING, T.NETFILTER, T.STRUCT_OPS)  # fmt: skip
_KERNEL_TYPES = (T.TRACING, T.LSM)
_SOCKET = Arg(A.BTF_ID_OR_NULL, name="sock_common")
_SOCKET_TAKERS = (*_KERNEL_TYPES, T.CGROUP_SOCKOPT)


def _for(
    types: Iterable[ProgramType], prototype: Prototype
) -> Iterator[tuple[tuple[int, ProgramType], Prototype]]:
    for kind in types:
        yield (prototype.number, kind), prototype


SLEEPING = frozenset({"get_stack", "get_task_stack"})
"""Helpers that sleep in programs that may (kernel/bpf/stackmap.c: bpf_get_stack_sleepable_proto,
bpf_get_task_stack_sleepable_proto; since 6.12)."""
SLEEPING_SINCE = (6, 12)
VARIANTS: dict[tuple[int, ProgramType], Prototype] = dict([
    # net/core/filter.c: bpf_get_cgroup_classid_curr_proto, of the current task, where there is no packet.
    *_for(_WITHOUT_BUFFER, helper("get_cgroup_classid", since="5.7")),
    # kernel/bpf/stackmap.c: bpf_get_stackid_proto_pe, which is not for GPL programs only.
    *_for([T.PERF_EVENT], helper("get_stackid", A.CTX, A.CONST_MAP, A.ANYTHING, since="4.6")),
    # net/core/filter.c: bpf_sk_lookup_assign_proto.
    *_for([T.SK_LOOKUP], helper("sk_assign", A.CTX, A.SOCKET_OR_NULL, A.ANYTHING, since="5.9")),
    # net/core/bpf_sk_storage.c: bpf_sk_storage_get_tracing_proto, bpf_sk_storage_delete_tracing_proto.
    *_for([T.TRACING], helper("sk_storage_get", A.CONST_MAP, _SOCKET, A.MAP_VALUE_OR_NULL, A.ANYTHING,
                              result=ResultKind.MAP_VALUE_OR_NULL, since="5.11")),
    *_for([T.TRACING], helper("sk_storage_delete", A.CONST_MAP, _SOCKET, since="5.11")),
    # net/core/bpf_sk_storage.c: bpf_sk_storage_get_cg_sock_proto: the context is the socket.
    *_for([T.CGROUP_SOCK], helper("sk_storage_get", A.CONST_MAP, A.CTX, A.MAP_VALUE_OR_NULL, A.ANYTHING,
                                  result=ResultKind.MAP_VALUE_OR_NULL, since="5.2")),
    # net/core/filter.c: sk_reuseport_func_proto.
    *_for([T.SK_REUSEPORT], helper("get_socket_cookie", A.BTF_ID_SOCK_COMMON, since="5.14")),
    # net/core/filter.c: bpf_get_socket_ptr_cookie_proto, bpf_sk_setsockopt_proto, bpf_sk_getsockopt_proto: a
    # socket by kernel type.
    *_for((*_KERNEL_TYPES, T.SYSCALL), helper("get_socket_cookie", A.BTF_ID_SOCK_COMMON, since="5.12")),
    *_for(_SOCKET_TAKERS, helper("setsockopt", A.BTF_ID_SOCK_COMMON, A.ANYTHING, A.ANYTHING, A.MEM_RDONLY,
                                 A.SIZE, since="5.16")),
    *_for(_SOCKET_TAKERS, helper("getsockopt", A.BTF_ID_SOCK_COMMON, A.ANYTHING, A.ANYTHING, A.MEM_UNINIT,
                                 A.SIZE, since="5.16")),
    # kernel/trace/bpf_trace.c: bpf_xdp_get_buff_len_trace_proto.
    *_for((*_KERNEL_TYPES, T.SYSCALL), helper("xdp_get_buff_len", Arg(A.BTF_ID, name="xdp_buff"),
                                              since="5.18")),
])  # fmt: skip
"""By number and program type, where they differ from the table."""
