"""Which program types may do what beyond calling helpers: packets, locks, maps, loading
(kernel/bpf/verifier.c and syscall.c)."""

from __future__ import annotations

from ebpf import rules
from ebpf.maps import MapFieldKind, MapSpec, MapType
from ebpf.program import LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import Release, Since
from ebpf.rules import Rule

T = ProgramType

COMPLEXITY_LIMIT = 1_000_000
"""BPF_COMPLEXITY_LIMIT_INSNS (include/linux/bpf.h, since 5.2): instructions that a verifier walks, and that a
privileged program may have."""
LEGACY_LOADS = frozenset({T.SOCKET_FILTER, T.SCHED_CLS, T.SCHED_ACT})
"""May use LD_ABS and LD_IND (may_access_skb)."""
PACKET_WRITERS = frozenset(
    {T.SCHED_CLS, T.SCHED_ACT, T.XDP, T.LWT_XMIT, T.SK_SKB, T.SK_MSG, T.CGROUP_SOCKOPT}
)
"""May store to the packet they point to (may_access_direct_pkt_data); loads are checked by bounds only."""
PACKET_HELPERS = PACKET_WRITERS | {
    T.LWT_IN,
    T.LWT_OUT,
    T.LWT_SEG6LOCAL,
    T.SK_REUSEPORT,
    T.FLOW_DISSECTOR,
    T.CGROUP_SKB,
}
"""May hand the packet to a helper whose prototype has ``packet_access``, to be read."""
TRACING = frozenset({T.KPROBE, T.TRACEPOINT, T.PERF_EVENT, T.RAW_TRACEPOINT, T.RAW_TRACEPOINT_WRITABLE})
"""is_tracing_prog_type: may interrupt anything."""
OWN_STACKS = frozenset({
    T.KPROBE, T.TRACEPOINT, T.PERF_EVENT, T.RAW_TRACEPOINT, T.TRACING, T.STRUCT_OPS,
})  # fmt: skip
"""Types whose functions may each have a stack of their own since 6.13 (bpf_enable_priv_stack and
bpf_prog_check_recur; of tracing programs not iterators, of struct_ops those whose structure asks for it)."""
OWN_STACKS_SINCE = "6.13"
UNPRIVILEGED = frozenset({T.SOCKET_FILTER, T.CGROUP_SKB})
"""May be loaded without capabilities where ``unprivileged_bpf_disabled`` is 0 (bpf_prog_load)."""
NET_ADMIN = frozenset({
    T.SCHED_CLS, T.SCHED_ACT, T.XDP, T.LWT_IN, T.LWT_OUT, T.LWT_XMIT, T.LWT_SEG6LOCAL, T.SK_SKB, T.SK_MSG,
    T.FLOW_DISSECTOR,
    T.CGROUP_DEVICE, T.CGROUP_SOCK, T.CGROUP_SOCK_ADDR, T.CGROUP_SOCKOPT, T.CGROUP_SYSCTL, T.SOCK_OPS, T.EXT,
    T.NETFILTER,
})  # fmt: skip
"""Need CAP_NET_ADMIN beside CAP_BPF (is_net_admin_prog_type)."""
PERFMON = TRACING | {T.TRACING, T.LSM, T.STRUCT_OPS, T.EXT}
"""Need CAP_PERFMON beside CAP_BPF (is_perfmon_prog_type)."""
SLEEPABLE_MAPS: dict[MapType, str] = {
    **dict.fromkeys((
        MapType.HASH, MapType.LRU_HASH, MapType.ARRAY, MapType.PERCPU_HASH, MapType.PERCPU_ARRAY,
        MapType.LRU_PERCPU_HASH,
        MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS, MapType.RINGBUF, MapType.USER_RINGBUF,
        MapType.INODE_STORAGE,
        MapType.SK_STORAGE, MapType.TASK_STORAGE, MapType.CGRP_STORAGE, MapType.ARENA, MapType.INSN_ARRAY),
        "6.1"),
    MapType.QUEUE: "6.2", MapType.STACK: "6.2", MapType.PROG_ARRAY: "7.0", MapType.LPM_TRIE: "7.2",
}  # fmt: skip
"""Maps that a sleepable program may use, and since when (check_map_prog_compatibility; seen on 6.1, 6.12,
6.19 and 7.0 to 7.3: of kernels between two of these nothing is foretold)."""
SOCKMAP_UPDATERS = frozenset({T.SK_REUSEPORT, T.SK_LOOKUP})
FORMER_SOCKMAP_UPDATERS = frozenset({T.SOCKET_FILTER, T.SCHED_CLS, T.SCHED_ACT, T.XDP, T.FLOW_DISSECTOR})
"""Until 7.1 (asked of 7.1.13 and 7.3.4; of 7.2 nothing is foretold)."""

CONSTANT_CONTEXT_STORES = "6.3"
"""The first kernel that takes a BPF_ST to the context; before it only BPF_STX may write there (do_check)."""
NET_IP_ALIGN = 2
"""How far the packet's network header is from alignment, under strict alignment (check_pkt_ptr_alignment)."""


def map_refusal(program: Program, spec: MapSpec, release: Release | str) -> Rule | None:
    """The rule that the program breaks by using the map at all (check_map_prog_compatibility), or None."""
    kinds = {field.kind for field in spec.fields}
    if MapFieldKind.SPIN_LOCK in kinds and (program.type is T.SOCKET_FILTER or program.type in TRACING):
        return rules.MAP_PROGRAM
    if (
        MapFieldKind.SPIN_LOCK in kinds
        and LoadFlag.SLEEPABLE in program.flags
        and release not in Since("6.7")
    ):
        return rules.MAP_PROGRAM
    if kinds & {MapFieldKind.LIST_HEAD, MapFieldKind.RB_ROOT} and program.type in TRACING:
        return rules.MAP_PROGRAM
    if (
        kinds & {MapFieldKind.TIMER, MapFieldKind.WORKQUEUE}
        and program.type in TRACING
        and release not in Since("6.19")
    ):
        # Later kernels take them (seen: 7.3.4); with which of them that began was not established.
        return rules.MAP_PROGRAM
    if spec.type is MapType.STRUCT_OPS:
        return rules.MAP_PROGRAM
    if LoadFlag.SLEEPABLE in program.flags:
        since = SLEEPABLE_MAPS.get(spec.type)
        return rules.MAP_PROGRAM if since is None or release not in Since(since) else None
    return None


def may_update_sockmap(
    program_type: ProgramType, attach_type: AttachType | None, deletes: bool, release: Release | str
) -> bool:
    """Whether map_update_elem, or map_delete_elem, takes a sockmap or sockhash from such a program
    (may_update_sockmap).

    Deleting was free for all before 6.10, and is not in the stable kernels that took that change over
    (6.1.176): of older ones nothing is foretold.
    """
    if program_type in SOCKMAP_UPDATERS or (
        program_type is T.TRACING and attach_type is AttachType.TRACE_ITER
    ):
        return True
    if program_type in FORMER_SOCKMAP_UPDATERS:
        return release not in Since("7.3")
    return deletes and (program_type is T.SOCK_OPS or release not in Since("6.10"))


def strict_alignment(program: Program) -> bool:
    """Whether every access must be aligned.  Stack accesses always must; others only where the flag asks for
    it, since most machines have efficient unaligned accesses (bpf_check, check_ptr_alignment); programs for
    one that has not carry a flag that says which (:class:`ebpf.machine.TargetMachine`)."""
    return LoadFlag.STRICT_ALIGNMENT in program.flags
