"""Edges of what is modelled: what helpers are given, what ends a path, what has no model."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

ROWS = (
    Row("loop too often, and an argument read",
        "r1 = 8388609; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_loop#181; r0 = r3; exit; r0 = 0; exit",
        "unsafe uninitialised-register@6"),
    Row("loop as often as may be",
        "r1 = 8388608; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_loop#181; r0 = 0; exit; r0 = 1; exit",
        "unknown: a function's address without BTF, which no kernel takes"),
    Row("loop with flags, and an argument read",
        "r1 = 1; r2 = subprog[+6]; r3 = 0; r4 = 1; call bpf_loop#181; r0 = r1; exit; r0 = 0; exit",
        "unsafe uninitialised-register@6"),
    Row("callback returns a pointer",
        "r1 = 1; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_loop#181; r0 = 0; exit; r0 = r10; exit",
        "unknown: a function's address without BTF, which no kernel takes; return-range at instruction 9: "
        "no witness replays"),
    Row("callback unprivileged",
        "r1 = 1; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_loop#181; r0 = 0; exit; r0 = 0; exit",
        "unknown: a function's address without BTF, which no kernel takes; privileged-call@1; "
        "helper-unknown@5",
        type_="socket_filter", privileged=False),
    Row("comm before a value",
        "r1 = map[0][0]+0; r1 += -8; r2 = 16; call bpf_get_current_comm#16; r0 = 0; exit",
        "unsafe map-value-bounds@4", maps="V", type_="kprobe"),
    Row("comm in a value",
        "r1 = map[0][0]+0; r2 = 8; call bpf_get_current_comm#16; r0 = 0; exit",
        "safe", maps="V", type_="kprobe"),
    Row("a map for memory",
        "r3 = map[0]; r2 = 0; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe helper-argument@4", maps="H"),
    Row("a map for a key", "r1 = map[0]; r2 = r1; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe helper-argument@3", maps="H"),
    Row("the context for a key",
        "r2 = r1; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe; helper-argument@3 before 7.1", maps="H", type_="syscall"),
    Row("lookup in a prog array",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unknown: a map that the helper does not take; map-helper@5", maps="P"),
    Row("lookup in a ring buffer",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unknown: a map that the helper does not take; map-helper@5", maps="R"),
    Row("lookup in a perf event array",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unknown: a map that the helper does not take; map-helper@5", maps="PE"),
    Row("a pointer where anything goes",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; *(u64 *)(r10 -16) = 0; r3 = r10; r3 += -16; r1 = "
        "map[0]; r4 = r10; "
        "call bpf_map_update_elem#2; r0 = 0; exit",
        "safe", maps="H"),
    Row("a pointer where anything goes, unprivileged",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; *(u64 *)(r10 -16) = 0; r3 = r10; r3 += -16; r1 = "
        "map[0]; r4 = r10; "
        "call bpf_map_update_elem#2; r0 = 0; exit",
        "safe; pointer-leak@9", maps="H", type_="socket_filter", privileged=False),
    Row("null for no memory", "r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "safe"),
    Row("null for memory",
        "r1 = 0; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "unsafe helper-argument@5"),
    Row("a number for memory that may be null",
        "r1 = 7; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "unsafe helper-argument@5"),
    Row("a key somewhere on the stack",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 0; *(u64 *)(r10 -16) = 0; r2 = r10; r2 += -16; "
        "r2 += r6; "
        "r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe; variable-stack@9",
        maps="H8", type_="socket_filter", privileged=False),
    Row("atomic on what is read-only",
        "r1 = map[0][0]+0; r2 = 1; lock *(u64 *)(r1 +0) += r2; r0 = 0; exit",
        "unsafe read-only@3", maps="RO"),
    Row("atomic on what is write-only",
        "r1 = map[0][0]+0; r2 = 1; lock *(u64 *)(r1 +0) += r2; r0 = 0; exit",
        "safe; read-only@3", maps="WO"),
    Row("atomic on the context",
        "r2 = 1; lock *(u64 *)(r1 +0) += r2; r0 = 0; exit",
        "unknown: context-access at instruction 1: no witness replays; atomic-target@1; context-access@1"),
    Row("atomic on a packet",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 > r3 goto pc+2; r5 = 1; "
        "lock *(u64 "
        "*)(r2 +0) += r5; r0 = 0; exit",
        "safe; atomic-target@6"),
    Row("atomic on what may be null",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r5 = 1; lock "
        "*(u64 *)(r0 "
        "+0) += r5; r0 = 0; exit",
        "unsafe null-dereference@7; null-check@7", maps="H"),
    Row("the context of sk_lookup",
        "r0 = *(u32 *)(r1 +0); r0 = 0; exit",
        "unsafe context-access@0; context-access@0", type_="sk_lookup"),
    Row("the context of lsm", "r0 = *(u64 *)(r1 +0); r0 = 0; exit", "unknown: the context of lsm",
        type_="lsm"),
    Row("the flow keys", "r0 = *(u64 *)(r1 +144); r0 = 0; exit", "safe",
        type_="flow_dissector"),
    Row("an indirect call", "r0 = 0; callx r0; exit",
        "unknown: the program's form is not one that runs; unknown-opcode@1"),
    Row("an indirect jump, and nothing unreachable",
        "r0 = 0; gotox r1; exit; r0 = 1; exit",
        "unknown: indirect jumps; unknown-opcode@1 before 6.19"),
    Row("the upper half of what is stored in the context",
        "r2 = 0x100000000 ll; *(u32 *)(r1 +8) = r2; r3 = *(u32 *)(r1 +8); if r3 == 0 goto pc+1; r0 = *(u8 "
        "*)(r9 +0); "
        "r0 = 0; exit",
        "safe"),
    Row("the lower half of what is stored in the context",
        "r2 = 0x100000001 ll; *(u32 *)(r1 +8) = r2; r3 = *(u32 *)(r1 +8); if r3 == 0 goto pc+1; r0 = *(u8 "
        "*)(r9 +0); "
        "r0 = 0; exit",
        "unsafe uninitialised-register@5"),
    Row("atomic on a packet that is read-only",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 > r3 goto pc+2; r5 = 1; "
        "lock *(u64 "
        "*)(r2 +0) += r5; r0 = 1; exit",
        "safe; atomic-target@6; read-only@6", type_="cgroup_skb"),
    Row("a store to a packet that is read-only",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 > r3 goto pc+2; r5 = 1; "
        "*(u64 *)(r2 "
        "+0) = r5; r0 = 1; exit",
        "safe; read-only@6", type_="cgroup_skb"),
    Row("atomic beyond what is read-only",
        "r1 = map[0][0]+0; r2 = 1; lock *(u64 *)(r1 +8) += r2; r0 = 0; exit",
        "unknown: read-only at instruction 3: no witness replays", maps="RO"),
    Row("a field that came later", "r0 = *(u64 *)(r1 +216); r0 = 0; exit",
        "safe; context-access@0 before 6.6", type_="sock_ops"),
    Row("registers written", "*(u64 *)(r1 +8) = r1; r0 = 0; exit", "safe; context-access@0 before 6.17",
        type_="kprobe"),
    Row("registers written with a number",
        "r2 = 0; *(u64 *)(r1 +8) = r2; r0 = 0; exit",
        "safe; context-access@1 before 6.17", type_="kprobe"),
    Row("call into a second slot",
        "r0 = 0; call pc+3; r0 = 0; exit; r1 = 0 ll; exit",
        "unknown: the program's form is not one that runs; jump-out-of-range@1"),
    Row("call before the start",
        "call pc-3; r0 = 0; exit",
        "unknown: the program's form is not one that runs; jump-out-of-range@0"),
    Row("call of itself", "call pc-1; r0 = 0; exit",
        "unknown: more frames than any kernel has; call-depth@0 before 7.2; call-depth@0 since 7.2; "
        "recursion@0"),
    Row("nothing is said of what no run gets to",
        "r6 = *(u32 *)(r1 +8); r6 &= 7; r6 += 8; r1 = map[0][0]+0; r1 += r6; r0 = *(u8 *)(r1 +0); r1 = "
        "r10; r1 *= 2; "
        "r0 = 0; exit",
        "unsafe map-value-bounds@6", maps="V"),
    Row("rounds that leave the stack alone",
        "*(u64 *)(r10 -16) = 5; r6 = 0; may_goto pc+2; r6 += 1; goto pc-3; r0 = *(u64 *)(r10 -16); if r0 "
        "== 5 goto "
        "pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "safe; unknown-opcode@2 before 6.9"),
    Row("rounds that write the stack",
        "*(u64 *)(r10 -16) = 5; r6 = 0; may_goto pc+3; r6 += 1; *(u64 *)(r10 -16) = r6; goto pc-4; r0 = "
        "*(u64 *)(r10 "
        "-16); if r0 == 5 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unknown: uninitialised-register at instruction 8: no witness replays; unknown-opcode@2 before 6.9"),
    Row("rounds that leave a register alone",
        "r7 = 5; r6 = 0; may_goto pc+2; r6 += 1; goto pc-3; if r7 == 5 goto pc+1; r0 = *(u8 *)(r9 +0); r0 "
        "= 0; exit",
        "safe; unknown-opcode@2 before 6.9"),
    Row("a kernel structure",
        "call bpf_get_current_task_btf#158; r0 = 0; exit",
        "safe", type_="kprobe"),
    Row("ring buffer, a size nobody knows",
        "r6 = *(u32 *)(r1 +8); r1 = map[0]; r2 = r6; r3 = 0; call bpf_ringbuf_reserve#131; r0 = 0; exit",
        "unknown: an allocation of unknown size; helper-argument@5", maps="R"),
    Row("ring buffer, a pointer for a size",
        "r1 = map[0]; r2 = r10; r3 = 0; call bpf_ringbuf_reserve#131; r0 = 0; exit",
        "unknown: an allocation of unknown size; helper-argument@4", maps="R"),
    Row("an indirect jump without privilege",
        "r1 = map[0][0]+0; r1 = *(u64 *)(r1 +0); gotox r1; r0 = 0; exit",
        "unknown: a direct value of a insn_array map; unknown-opcode@3 before 6.19", maps="J", privileged=False),
    Row("the packet's end for a key",
        "r6 = *(u32 *)(r1 +80); r1 = map[0]; r2 = r6; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe packet-bounds@4", maps="H"),
    Row("a key in the packet",
        "r6 = *(u32 *)(r1 +76); r7 = *(u32 *)(r1 +80); r8 = r6; r8 += 4; if r8 > r7 goto pc+4; r1 = "
        "map[0]; r2 = r6; "
        "call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe", maps="H"),
    Row("a key beyond the packet",
        "r6 = *(u32 *)(r1 +76); r7 = *(u32 *)(r1 +80); r8 = r6; r8 += 3; if r8 > r7 goto pc+4; r1 = "
        "map[0]; r2 = r6; "
        "call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe packet-bounds@8", maps="H"),
    Row("a pop gives what was not written",
        "r2 = r10; r2 += -8; r1 = map[0]; call bpf_map_pop_elem#88; r0 = 0; exit",
        "safe", maps="Q"),
    Row("a pop into the packet",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 > r3 goto pc+2; r1 = map[0]; "
        "call bpf_map_pop_elem#88; r0 = 0; exit",
        "unsafe helper-argument@7; helper-argument@7", maps="Q"),
    Row("a push from the packet",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 > r3 goto pc+4; r1 = "
        "map[0]; r3 = 0; "
        "call bpf_map_push_elem#87; r0 = 0; exit",
        "safe", maps="Q"),
    Row("as far down as may be",
        "r6 = *(u32 *)(r1 +8); r6 &= 1; r6 <<= 29; r7 = 0; r7 -= r6; r1 = map[0][0]+0; r1 += r7; r0 = 0; "
        "exit",
        "safe; offset-limit@7", maps="V"),
    Row("moved before the value and back",
        "r1 = map[0][0]+0; r1 += -8; r1 += 8; r0 = *(u8 *)(r1 +0); r0 = 0; exit",
        "safe", maps="V"),
    Row("rounds that make the same pointer",
        "r6 = 0; r7 = r10; r7 += -8; may_goto pc+4; r7 = r10; r7 += -8; r6 += 1; goto pc-5; *(u64 *)(r7 "
        "+0) = 1; r0 = 0; exit",
        "safe; unknown-opcode@3 before 6.9"),
    Row("one byte at one place or another",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 > r3 goto pc+7; r5 = *(u8 "
        "*)(r2 +0); "
        "r7 = *(u32 *)(r1 +8); r7 &= 1; r2 += r7; r8 = *(u8 *)(r2 +0); if r8 == r5 goto pc+1; r0 = *(u8 "
        "*)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@11"),
    Row("ring buffer, a size that a branch decides",
        "r2 = *(u32 *)(r1 +8); if r2 != 8 goto pc+8; r1 = map[0]; r3 = 0; call bpf_ringbuf_reserve#131; if "
        "r0 == 0 goto pc+3; "
        "r1 = r0; r2 = 0; call bpf_ringbuf_discard#133; r0 = 0; exit",
        "safe", maps="R"),
)  # fmt: skip
