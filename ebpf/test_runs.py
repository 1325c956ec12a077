"""What a test run (BPF_PROG_TEST_RUN) takes and gives back, by program type (net/bpf/test_run.c,
kernel/bpf/syscall.c; Linux 7.3)."""

from __future__ import annotations

from ebpf.program_types import ProgramType

SK_BUFF = frozenset({
    ProgramType.SOCKET_FILTER, ProgramType.SCHED_CLS, ProgramType.SCHED_ACT, ProgramType.CGROUP_SKB,
    ProgramType.LWT_IN, ProgramType.LWT_OUT, ProgramType.LWT_XMIT, ProgramType.SK_SKB,
})  # fmt: skip
"""Types whose runs take a packet and a ``struct __sk_buff`` (bpf_prog_test_run_skb; SK_SKB has none)."""

GIVES_PACKET = SK_BUFF | {ProgramType.XDP}
"""Types whose run gives the packet back (bpf_test_finish).  Raw tracepoints and system calls return R0 only,
a flow dissector its flow keys."""

REFUSES_PACKET = frozenset({
    ProgramType.SK_LOOKUP, ProgramType.RAW_TRACEPOINT, ProgramType.RAW_TRACEPOINT_WRITABLE,
    ProgramType.TRACING, ProgramType.SYSCALL,
})  # fmt: skip
"""Types whose run refuses a packet."""

ATTACHED = frozenset({ProgramType.TRACING, ProgramType.LSM, ProgramType.EXT})
"""Types of which a test run, if there is one, calls the kernel function (bpf_prog_test_run_tracing): the
program runs where it is attached, and its result is not returned."""
