"""What the context points to, or is: flow keys, a tracepoint's buffer, kernel structures, a helper's memory; and
strings and sockets that helpers are given.  Every row was asked of 6.1, 6.12, 6.18, 7.1 and 7.3."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

PROBE = "r2 = 8; r3 = 0; call bpf_probe_read_kernel#113; r0 = 0; exit"
KEY = "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; "
FLOW = "r6 = *(u64 *)(r1 +144); "
BUFFER = "r6 = *(u64 *)(r1 +0); "
WRITABLE = "raw_tracepoint_writable"
TASK = "call bpf_get_current_task_btf#158; "
SOCKET = "r1 = *(u64 *)(r1 +168); if r1 == 0 goto pc+{}; call bpf_skc_to_tcp_sock#137; "
PRINT = "r1 = 0; r2 = 0; r3 = map[0][0]+{}; r4 = 0; r5 = 0; call bpf_snprintf#165; r0 = 0; exit"
COMPARE = (
    "*(u64 *)(r10 -8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = map[0][0]+{}; call bpf_strncmp#182; r0 = 0; exit"
)

ROWS = (
    Row("a syscall's context as memory", PROBE, "safe; helper-argument@2 before 7.1", type_="syscall"),
    Row("a syscall's context moved, as memory", f"r1 += 8; {PROBE}", "safe; helper-argument@3 before 7.1",
        type_="syscall"),
    Row("a syscall's context moved by an unknown distance, as memory",
        f"r6 = r1; call bpf_get_prandom_u32#7; r0 &= 252; r6 += r0; r1 = r6; {PROBE}",
        "safe; helper-argument@7 before 7.1", type_="syscall"),
    Row("memory beyond a syscall's context", f"r1 += 65530; {PROBE}",
        "unknown: a helper's memory beyond the context; context-access@3; helper-argument@3 before 7.1",
        type_="syscall"),
    Row("memory before a syscall's context", f"r1 += -8; {PROBE}",
        "unknown: a helper's memory beyond the context; context-access@3; helper-argument@3 before 7.1",
        type_="syscall"),
    Row("the end of a syscall's context", f"r1 += 65527; {PROBE}",
        "safe; helper-argument@3 before 7.1", type_="syscall"),
    Row("a syscall's context read again after a helper wrote it",
        f"r6 = r1; r7 = *(u64 *)(r1 +0); {PROBE[:-len('r0 = 0; exit')]}r8 = *(u64 *)(r6 +0); "
        "if r7 == r8 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@7; helper-argument@4 before 7.1",
        type_="syscall"),
    Row("a kprobe's context as memory", PROBE, "unsafe helper-argument@2", type_="kprobe"),
    Row("a kprobe's context moved, as memory", f"r1 += 8; {PROBE}", "unsafe helper-argument@3", type_="kprobe"),
    Row("a kprobe's context for a key", "r2 = r1; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe helper-argument@3", maps="H", type_="kprobe"),
    Row("a buffer's context for a key", "r2 = r1; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe helper-argument@3", maps="H"),
    Row("flow keys read", f"{FLOW}r0 = *(u16 *)(r6 +54); r0 = 0; exit", "safe", type_="flow_dissector"),
    Row("flow keys written", f"{FLOW}*(u16 *)(r6 +54) = 1; r0 = 0; exit", "safe", type_="flow_dissector"),
    Row("flow keys moved", f"{FLOW}r6 += 8; r6 -= 4; r0 = *(u32 *)(r6 +0); r0 = 0; exit", "safe",
        type_="flow_dissector"),
    Row("beyond the flow keys", f"{FLOW}r0 = *(u32 *)(r6 +53); r0 = 0; exit", "unsafe memory-bounds@1",
        type_="flow_dissector"),
    Row("before the flow keys", f"{FLOW}r0 = *(u32 *)(r6 -1); r0 = 0; exit", "unsafe memory-bounds@1",
        type_="flow_dissector"),
    Row("flow keys moved by an unknown distance",
        "r7 = r1; call bpf_get_prandom_u32#7; r0 &= 8; r6 = *(u64 *)(r7 +144); r6 += r0; "
        "r0 = *(u32 *)(r6 +0); r0 = 0; exit",
        "safe; pointer-arithmetic@4", type_="flow_dissector"),
    Row("atomic on flow keys", f"{FLOW}r1 = 1; lock *(u64 *)(r6 +0) += r1; r0 = 0; exit",
        "safe; atomic-target@2", type_="flow_dissector"),
    Row("a tracepoint's buffer written", f"{BUFFER}*(u64 *)(r6 +8192) = 1; r0 = 0; exit", "safe", type_=WRITABLE),
    Row("a tracepoint's buffer, back and forth", f"{BUFFER}r6 += -8; r0 = *(u64 *)(r6 +8); r0 = 0; exit", "safe",
        type_=WRITABLE),
    Row("before a tracepoint's buffer", f"{BUFFER}r6 += -8; r0 = *(u64 *)(r6 +0); r0 = 0; exit",
        "unknown: a tracepoint's buffer before its start, or anywhere; memory-bounds@2", type_=WRITABLE),
    Row("anywhere in a tracepoint's buffer",
        f"{BUFFER}call bpf_get_prandom_u32#7; r0 &= 8; r6 += r0; r0 = *(u64 *)(r6 +0); r0 = 0; exit",
        "unknown: a tracepoint's buffer before its start, or anywhere; memory-bounds@4", type_=WRITABLE),
    Row("atomic on a tracepoint's buffer", f"{BUFFER}r1 = 1; lock *(u64 *)(r6 +0) += r1; r0 = 0; exit", "safe",
        type_=WRITABLE),
    Row("a socket put into a map, checked",
        f"r3 = *(u64 *)(r1 +168); if r3 == 0 goto pc+7; {KEY}r4 = 0; call bpf_map_update_elem#2; r0 = 0; exit",
        "safe; map-helper@8 since 7.3", maps="S"),
    Row("a socket put into a map, unchecked",
        f"r3 = *(u64 *)(r1 +168); {KEY}r4 = 0; call bpf_map_update_elem#2; r0 = 0; exit",
        "unsafe helper-argument@7; map-helper@7 since 7.3; null-check@7", maps="S"),
    Row("memory put into a map of sockets", f"{KEY}r3 = r2; r4 = 0; call bpf_map_update_elem#2; r0 = 0; exit",
        "unsafe helper-argument@7", maps="S"),
    Row("a socket put into a map by a reuseport program",
        f"r3 = *(u64 *)(r1 +40); {KEY}r4 = 0; call bpf_map_update_elem#2; r0 = 1; exit", "safe", maps="S",
        type_="sk_reuseport"),
    Row("a socket taken out of a map", f"{KEY}call bpf_map_delete_elem#3; r0 = 0; exit",
        "safe; map-helper@5 since 7.3", maps="S", type_="xdp"),
    Row("a socket taken out of a map by a kprobe", f"{KEY}call bpf_map_delete_elem#3; r0 = 0; exit",
        "safe; map-helper@5 since 6.12", maps="S", type_="kprobe"),
    Row("a socket taken out of a map by sock_ops", f"{KEY}call bpf_map_delete_elem#3; r0 = 0; exit", "safe",
        maps="S", type_="sock_ops"),
    Row("the current task", f"{TASK}r0 = 0; exit", "safe", type_="kprobe"),
    Row("the current task written", f"{TASK}*(u64 *)(r0 +8) = 1; r0 = 0; exit",
        "unknown: read-only at instruction 1: no witness replays", type_="kprobe"),
    Row("the current task for a key",
        f"{TASK}r2 = r0; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit", "unsafe helper-argument@4",
        maps="H", type_="kprobe"),
    Row("a socket as TCP's", f"{SOCKET.format(2)}r0 = 0; r0 = 0; exit", "safe"),
    Row("a socket as TCP's, unchecked", f"{SOCKET.format(1)}r0 = *(u32 *)(r0 +0); r0 = 0; exit",
        "unsafe null-dereference@3; null-check@3"),
    Row("a callback looks up what it was called for",
        "r1 = map[0]; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_for_each_map_elem#164; r0 = 0; exit; "
        "call bpf_map_lookup_elem#1; r0 = 0; exit", "unknown: a function's address without BTF, which no kernel takes", maps="H"),
    Row("a loop of as many turns as the context says",
        "r1 = *(u32 *)(r1 +8); r1 &= 1; r2 = subprog[+8]; r3 = 0; r4 = 0; call bpf_loop#181; "
        "if r0 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit; r0 = 0; exit",
        "unsafe uninitialised-register@8"),
    Row("a packet byte that may have been overwritten",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r4 = r2; r4 += 16; if r4 > r3 goto pc+9; "
        "*(u8 *)(r2 +0) = 7; r5 = *(u8 *)(r2 +1); r5 &= 7; r6 = r2; r6 += r5; *(u8 *)(r6 +0) = 9; "
        "r0 = *(u8 *)(r2 +0); if r0 == 7 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@13", type_="xdp"),
    Row("a packet byte after a store somewhere",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r4 = r2; r4 += 32; if r4 > r3 goto pc+8; "
        "r5 = *(u8 *)(r2 +1); r5 &= 7; r6 = r2; r6 += r5; *(u8 *)(r6 +0) = 9; "
        "r0 = *(u8 *)(r2 +20); if r0 != 77 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unknown: uninitialised-register at instruction 12: no witness replays", type_="xdp"),
    Row("the sum of two addresses is no number that is known",
        "r2 = r10; r2 += r10; if r2 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@3; pointer-arithmetic@1"),
    Row("a format without conversions", PRINT.format(0), "safe", maps="C", type_="kprobe"),
    Row("a format with conversions", PRINT.format(4), "unknown: a format with conversions", maps="C",
        type_="kprobe"),
    Row("a format that is not zero-terminated", PRINT.format(7),
        "unknown: a constant string without an end; helper-argument@6", maps="C", type_="kprobe"),
    Row("a string to compare with", COMPARE.format(0), "safe", maps="C"),
    Row("a string that may change", COMPARE.format(0),
        "unknown: a string that may change; helper-argument@6", maps="V"),
    Row("a string on the stack",
        "*(u64 *)(r10 -8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = r1; call bpf_strncmp#182; r0 = 0; exit",
        "unsafe helper-argument@5"),
)  # fmt: skip
