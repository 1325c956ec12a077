"""Sockets, records and locks: which may be null, what is left of what was given back, and whose address is no
number."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

ROWS = (
    Row("a socket of the context may be null",
        "r6 = *(u64 *)(r1 +168); r0 = *(u32 *)(r6 +0); r0 = 0; exit",
        "unsafe null-dereference@1; null-check@1"),
    Row("a socket of the context that is there shows no such field",
        "r6 = *(u64 *)(r1 +168); if r6 == 0 goto pc+1; r0 = *(u32 *)(r6 +8); r0 = 0; exit",
        "unsafe socket-access@2"),
    Row("where the context has no socket",
        "r6 = *(u64 *)(r1 +168); if r6 != 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@2"),
    Row("the context has the same socket twice",
        "r6 = *(u64 *)(r1 +168); r7 = *(u64 *)(r1 +168); if r6 == 0 goto pc+2; "
        "if r7 != 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "safe"),
    Row("every load of a socket has its own null check",
        "r6 = *(u64 *)(r1 +168); r7 = *(u64 *)(r1 +168); if r6 == 0 goto pc+1; "
        "r0 = *(u32 *)(r7 +4); r0 = 0; exit",
        "safe; null-check@3"),
    Row("sk_lookup's socket is null and not",
        "r6 = *(u64 *)(r1 +0); if r6 != 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 1; exit",
        "unsafe uninitialised-register@2", type_="sk_lookup"),
    Row("sk_lookup's socket that is there",
        "r6 = *(u64 *)(r1 +0); if r6 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 1; exit",
        "unsafe uninitialised-register@2", type_="sk_lookup"),
    Row("a socket that is always there",
        "r6 = *(u64 *)(r1 +64); r0 = *(u64 *)(r6 +8); r0 = 1; exit",
        "unsafe socket-access@1", type_="cgroup_sock_addr"),
    Row("a socket that was released",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+5; r6 = r0; r1 = r6; "
        "call bpf_sk_release#86; r0 = *(u32 *)(r6 +4); r0 = 0; goto pc+0; r0 = 0; exit",
        "unsafe scalar-dereference@12"),
    Row("a socket that was released is a number",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+4; r6 = r0; r1 = r6; "
        "call bpf_sk_release#86; r0 = r6; goto pc+0; r0 = 0; exit",
        "safe"),
    Row("a socket released twice",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+5; r6 = r0; r1 = r6; "
        "call bpf_sk_release#86; r1 = r6; call bpf_sk_release#86; goto pc+0; r0 = 0; exit",
        "unsafe helper-argument@13"),
    Row("a socket on the stack that was released",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+6; r6 = r0; "
        "*(u64 *)(r10 -24) = r6; r1 = r6; call bpf_sk_release#86; r7 = *(u64 *)(r10 -24); "
        "r0 = *(u32 *)(r7 +4); goto pc+0; r0 = 0; exit",
        "unsafe scalar-dereference@14"),
    Row("a socket on the stack that was released is a number",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+7; r6 = r0; "
        "*(u64 *)(r10 -24) = r6; r1 = r6; call bpf_sk_release#86; r7 = *(u64 *)(r10 -24); "
        "if r7 == r6 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "safe"),
    Row("a listener outlives the socket it was found by",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+8; r6 = r0; r1 = r6; "
        "call bpf_get_listener_sock#98; r7 = r0; r1 = r6; call bpf_sk_release#86; "
        "if r7 == 0 goto pc+1; r0 = *(u32 *)(r7 +4); r0 = 0; exit",
        "safe"),
    Row("a listener is not held",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+9; r6 = r0; r1 = r6; "
        "call bpf_get_listener_sock#98; if r0 == 0 goto pc+2; r1 = r0; call bpf_sk_release#86; "
        "r1 = r6; call bpf_sk_release#86; goto pc+0; r0 = 0; exit",
        "unsafe release-unreferenced@14"),
    Row("a view dies with its socket",
        "*(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1; "
        "r5 = 0; call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+8; r6 = r0; r1 = r6; "
        "call bpf_tcp_sock#96; r7 = r0; r1 = r6; call bpf_sk_release#86; if r7 == 0 goto pc+1; "
        "r0 = *(u32 *)(r7 +0); r0 = 0; exit",
        "unsafe scalar-dereference@16"),
    Row("a record that was discarded, unprivileged",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+5; "
        "r6 = r0; r1 = r0; r2 = 0; call bpf_ringbuf_discard#133; r7 = r6; r0 = 0; exit",
        "unknown: uninitialised-register at instruction 10: no witness replays; "
        "uninitialised-register@10", maps="R", type_="socket_filter", privileged=False),
    Row("the same lock by two lookups",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+11; r6 = r0; r2 = r10; r2 += -4; r1 = map[0]; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+5; r7 = r0; r1 = r6; "
        "call bpf_spin_lock#93; r1 = r7; call bpf_spin_unlock#94; r0 = 0; exit",
        "unknown: unlock-unheld at instruction 18: no witness replays; unlock-unheld@18", maps="L"),
    Row("a pointer is no number of the first page",
        "if r10 == 4095 goto pc+2; r0 = 0; exit; r0 = *(u8 *)(r9 +0); exit",
        "safe"),
    Row("a pointer may be a number of the second page",
        "if r10 == 4096 goto pc+2; r0 = 0; exit; r0 = *(u8 *)(r9 +0); exit",
        "unknown: uninitialised-register at instruction 3: no witness replays"),
    Row("a pointer differs from a number of the first page",
        "if r10 != 7 goto pc+2; r0 = *(u8 *)(r9 +0); exit; r0 = 0; exit",
        "safe"),
    Row("struct bpf_map is not written",
        "r1 = map[0]; *(u64 *)(r1 +0) = 1; r0 = 0; exit",
        "unsafe read-only@2", maps="A"),
    Row("struct bpf_map is not written, unprivileged",
        "r1 = map[0]; *(u64 *)(r1 +0) = 1; r0 = 0; exit",
        "unsafe read-only@2", maps="A", type_="socket_filter", privileged=False),
    Row("before struct bpf_map",
        "r1 = map[0]; r0 = *(u64 *)(r1 -8); r0 = 0; exit",
        "unsafe memory-bounds@2", maps="A"),
)  # fmt: skip
