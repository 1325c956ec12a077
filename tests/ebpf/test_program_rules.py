"""Return ranges and what program types may do: by example from the kernel."""

from __future__ import annotations

import pytest

from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import LoadFlag, Program
from ebpf.program_rules import (
    LEGACY_LOADS,
    NET_ADMIN,
    PACKET_HELPERS,
    PACKET_WRITERS,
    PERFMON,
    UNPRIVILEGED,
    map_refusal,
    may_update_sockmap,
    strict_alignment,
)
from ebpf.program_types import AttachType as A
from ebpf.program_types import ProgramType as T
from ebpf.return_ranges import return_range


@pytest.mark.parametrize(
    ("kind", "attach", "expected"),
    [
        (T.XDP, None, None),
        (T.SOCKET_FILTER, None, None),
        (T.SCHED_CLS, None, None),
        (T.CGROUP_SKB, A.CGROUP_INET_INGRESS, (0, 1)),
        (T.CGROUP_SKB, A.CGROUP_INET_EGRESS, (0, 3)),
        (T.CGROUP_SOCK_ADDR, A.CGROUP_INET4_BIND, (0, 3)),
        (T.CGROUP_SOCK_ADDR, A.CGROUP_INET4_CONNECT, (0, 1)),
        (T.CGROUP_SOCK_ADDR, A.CGROUP_UDP6_RECVMSG, (1, 1)),
        (T.CGROUP_SOCK, None, (0, 1)),
        (T.SK_LOOKUP, A.SK_LOOKUP, (0, 1)),
        (T.TRACING, A.TRACE_FEXIT, (0, 0)),
        (T.TRACING, A.MODIFY_RETURN, None),
        (T.RAW_TRACEPOINT, None, None),
        (T.KPROBE, None, None),
        (T.LSM, A.LSM_CGROUP, (0, 1)),
    ],
)
def test_return_ranges(kind: T, attach: A | None, expected: tuple[int, int] | None) -> None:
    """kernel/bpf/verifier.c: check_return_code."""
    assert return_range(kind, attach, "6.1") == return_range(kind, attach, "7.3") == expected


@pytest.mark.parametrize("release", ["6.1", "6.12", "7.3"])
def test_what_an_lsm_hook_returns_is_the_hooks_affair(release: str) -> None:
    """kernel/bpf/bpf_lsm.c: bpf_lsm_get_retval_range."""
    assert return_range(T.LSM, A.LSM_MAC, release) is None


@pytest.mark.parametrize(
    ("kind", "taken"),
    [(MapType.HASH, "6.1"), (MapType.QUEUE, "6.12"), (MapType.PROG_ARRAY, "7.0"), (MapType.LPM_TRIE, "7.2")],
)
def test_maps_of_sleepable_programs(kind: MapType, taken: str) -> None:
    """kernel/bpf/verifier.c: check_map_prog_compatibility."""
    program = Program(T.SYSCALL, (), flags=LoadFlag.SLEEPABLE)
    releases = ("6.1", "6.12", "6.19", "7.0", "7.1", "7.2", "7.3")
    accepted = [
        release for release in releases if map_refusal(program, MapSpec(kind, 4, 8, 1), release) is None
    ]
    assert accepted == list(releases[releases.index(taken) :])


def test_sets_of_types() -> None:
    """kernel/bpf/verifier.c: may_access_skb, may_access_direct_pkt_data; kernel/bpf/syscall.c:
    bpf_prog_load."""
    assert {T.SOCKET_FILTER, T.SCHED_CLS, T.SCHED_ACT} == LEGACY_LOADS
    assert PACKET_WRITERS < PACKET_HELPERS
    assert T.CGROUP_SKB in PACKET_HELPERS - PACKET_WRITERS
    assert T.SOCKET_FILTER not in PACKET_HELPERS
    assert not UNPRIVILEGED & (NET_ADMIN | PERFMON)
    assert {T.EXT} == NET_ADMIN & PERFMON


LOCK = MapSpec(MapType.ARRAY, 4, 8, 1, fields=(MapField(4, MapFieldKind.SPIN_LOCK),))
TIMER = MapSpec(MapType.ARRAY, 4, 16, 1, fields=(MapField(0, MapFieldKind.TIMER),))


def test_maps_by_program_type() -> None:
    """kernel/bpf/verifier.c: check_map_prog_compatibility."""
    refused = {kind for kind in T if map_refusal(Program(kind, ()), LOCK, "6.12")}
    assert refused == {
        T.SOCKET_FILTER,
        T.KPROBE,
        T.TRACEPOINT,
        T.PERF_EVENT,
        T.RAW_TRACEPOINT,
        T.RAW_TRACEPOINT_WRITABLE,
    }
    assert map_refusal(Program(T.SOCKET_FILTER, ()), TIMER, "6.12") is None
    assert map_refusal(Program(T.KPROBE, ()), TIMER, "6.12") is not None
    sleepable = Program(T.SYSCALL, (), flags=LoadFlag.SLEEPABLE)
    assert map_refusal(sleepable, MapSpec(MapType.PERF_EVENT_ARRAY, 4, 4, 1), "6.12") is not None
    assert map_refusal(sleepable, MapSpec(MapType.HASH, 4, 4, 1), "6.12") is None
    assert map_refusal(sleepable, LOCK, "6.1") is not None
    assert map_refusal(sleepable, LOCK, "6.12") is None


def test_updates_of_sockmaps() -> None:
    """kernel/bpf/verifier.c: may_update_sockmap."""
    assert may_update_sockmap(T.SK_LOOKUP, None, False, "6.1")
    assert not may_update_sockmap(T.SK_MSG, None, False, "6.1")
    assert may_update_sockmap(T.SK_MSG, None, True, "6.1")
    assert not may_update_sockmap(T.SK_MSG, None, True, "6.12")
    assert may_update_sockmap(T.SOCK_OPS, None, True, "6.12")
    assert may_update_sockmap(T.TRACING, A.TRACE_ITER, False, "6.12")
    assert may_update_sockmap(T.XDP, None, False, "7.1")
    assert not may_update_sockmap(T.XDP, None, True, "7.3")
    assert may_update_sockmap(T.SK_REUSEPORT, None, False, "7.3")


def test_alignment() -> None:
    assert strict_alignment(Program(T.XDP, (), flags=LoadFlag.STRICT_ALIGNMENT))
    assert not strict_alignment(Program(T.XDP, ()))
