"""What helpers, functions, legacy loads and the program's form break."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

ROWS = (
    Row("load_bytes",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 16; call bpf_skb_load_bytes#26; r0 = 0; exit", "safe"),
    Row("load_bytes too many",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 17; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe stack-bounds@5"),
    Row("load_bytes zero",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 0; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "safe; zero-size@5"),
    # bpf_sk_lookup_*() take a tuple of no bytes since 6.11.
    Row("sk_lookup zero",
        "*(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r3 = 0; r4 = 0; r5 = 0; call bpf_sk_lookup_tcp#84; "
        "if r0 == 0 goto pc+2; r1 = r0; call bpf_sk_release#86; r0 = 0; exit",
        "safe; zero-size@6 before 6.11"),
    Row("load_bytes huge",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 0x20000000; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe stack-bounds@6; helper-size@6"),
    Row("load_bytes negative",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = -1; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe stack-bounds@5; helper-size@5"),
    Row("load_bytes maybe zero",
        "r7 = *(u32 *)(r1 +8); r7 &= 15; r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = r7; call "
        "bpf_skb_load_bytes#26; "
        "r0 = 0; exit",
        "safe; zero-size@7"),
    Row("load_bytes in range",
        "r7 = *(u32 *)(r1 +8); r7 &= 15; r7 += 1; r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = r7; "
        "call bpf_skb_load_bytes#26; r0 = 0; exit",
        "safe"),
    Row("load_bytes out of range",
        "r7 = *(u32 *)(r1 +8); r7 &= 31; r7 += 1; r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = r7; "
        "call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe stack-bounds@8"),
    Row("load_bytes size pointer",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = r10; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unknown: helper-argument at instruction 5: no witness replays"),
    Row("load_bytes not ctx",
        "r1 = r10; r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 16; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe helper-argument@6"),
    Row("load_bytes into number", "r2 = 0; r3 = 5; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe helper-argument@3"),
    Row("load_bytes into null", "r2 = 0; r3 = 0; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe helper-argument@3"),
    Row("load_bytes into ctx",
        "r2 = 0; r3 = r1; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe helper-argument@3"),
    Row("load_bytes into map", "r2 = 0; r3 = map[0][0]+0; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "safe", maps="V"),
    Row("load_bytes into rdonly",
        "r2 = 0; r3 = map[0][0]+0; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe read-only@4", maps="RO"),
    Row("load_bytes fills",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 16; call bpf_skb_load_bytes#26; r0 = *(u64 *)(r10 "
        "-16); r0 = 0; "
        "exit",
        "safe", type_="socket_filter", privileged=False),
    Row("load_bytes fills not more",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 8; call bpf_skb_load_bytes#26; r0 = *(u64 *)(r10 -8); "
        "r0 = 0; exit",
        "unsafe uninitialised-stack@6", type_="socket_filter", privileged=False),
    Row("load_bytes changes",
        "*(u64 *)(r10 -16) = 0; r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 8; call bpf_skb_load_bytes#26; "
        "r7 = *(u64 *)(r10 -16); if r7 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unknown: uninitialised-register at instruction 9: no witness replays"),
    Row("load_bytes var changes",
        "*(u64 *)(r10 -16) = 0; r7 = *(u32 *)(r1 +8); r7 &= 7; r7 += 1; r6 = r1; r2 = 0; r3 = r10; r3 += "
        "-16; r4 = r7; "
        "call bpf_skb_load_bytes#26; r7 = *(u64 *)(r10 -16); if r7 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 "
        "= 0; exit",
        "unknown: uninitialised-register at instruction 12: no witness replays"),
    Row("load_bytes keeps beyond",
        "*(u64 *)(r10 -8) = 0; r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 8; call bpf_skb_load_bytes#26; "
        "r7 = *(u64 *)(r10 -8); if r7 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "safe"),
    Row("R1 gone after call",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 16; call bpf_skb_load_bytes#26; r0 = r1; exit",
        "unsafe uninitialised-register@6"),
    Row("R6 kept after call",
        "r6 = r1; r2 = 0; r3 = r10; r3 += -16; r4 = 16; call bpf_skb_load_bytes#26; r0 = *(u32 *)(r6 +0); "
        "exit",
        "safe"),
    Row("unknown helper", "call unknown#9999; r0 = 0; exit",
        "unknown: a helper that no kernel has; helper-unknown@0"),
    Row("helper not for type",
        "r2 = 0; r3 = r10; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unknown: uninitialised-register at instruction 2: no witness replays; helper-unknown@2",
        type_="xdp"),
    Row("helper not for type 2",
        "call bpf_get_current_pid_tgid#14; r0 = 0; exit",
        "safe; helper-unknown@0 before 6.12", type_="xdp"),
    Row("loop since", "r0 = 0; call bpf_ktime_get_tai_ns#208; r0 = 0; exit", "safe"),
    Row("pointer into anything unpriv",
        "r1 = r10; r2 = r10; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "unknown: helper-argument at instruction 5: no witness replays; helper-unknown@5",
        type_="socket_filter", privileged=False),
    Row("lookup key unwritten",
        "r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe uninitialised-stack@4", maps="H", type_="socket_filter", privileged=False),
    Row("lookup key beyond",
        "r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe stack-bounds@4", maps="H8"),
    Row("lookup key misplaced",
        "*(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe", maps="H8"),
    Row("lookup key is pointer unpriv",
        "*(u64 *)(r10 -8) = r10; r2 = r10; r2 += -8; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe; pointer-leak@5", maps="H8", type_="socket_filter", privileged=False),
    Row("lookup no map",
        "*(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r1 = r10; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe helper-argument@4", maps="H"),
    Row("lookup in ringbuf",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unknown: a map that the helper does not take; map-helper@5", maps="R"),
    Row("lookup in progs",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unknown: a map that the helper does not take; map-helper@5", maps="P"),
    Row("lookup in map of maps",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unknown: maps of maps without an inner map", maps="MM"),
    Row("lookup in sockmap",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 "
        "goto pc+1; "
        "r0 = 0; exit; r0 = 0; exit",
        "unsafe unreleased-reference@8; unreachable@9", maps="S"),
    Row("lookup same index twice",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 "
        "goto pc+9; "
        "r7 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+1; r0 = *(u64 *)(r7 +0); r0 = 0; exit",
        "safe", maps="H"),
    Row("lookup in array var",
        "r6 = *(u32 *)(r1 +8); *(u32 *)(r10 -4) = r6; r2 = r10; r2 += -4; r1 = map[0]; call "
        "bpf_map_lookup_elem#1; "
        "if r6 > 3 goto pc+1; r0 = *(u64 *)(r0 +0); r0 = 0; exit",
        "safe; null-check@8", maps="A"),
    Row("lookup in array var far",
        "r6 = *(u32 *)(r1 +8); *(u32 *)(r10 -4) = r6; r2 = r10; r2 += -4; r1 = map[0]; call "
        "bpf_map_lookup_elem#1; "
        "if r6 > 4 goto pc+1; r0 = *(u64 *)(r0 +0); r0 = 0; exit",
        "unsafe null-dereference@8; null-check@8", maps="A"),
    Row("update",
        "*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r3 = r10; r3 += -16; r4 = 0; r1 "
        "= map[0]; "
        "call bpf_map_update_elem#2; r0 = 0; exit",
        "safe", maps="H"),
    Row("update value beyond",
        "*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r3 = r10; r3 += -4; r4 = 0; r1 = "
        "map[0]; "
        "call bpf_map_update_elem#2; r0 = 0; exit",
        "unsafe stack-bounds@9", maps="H"),
    Row("update result",
        "*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r3 = r10; r3 += -16; r4 = 0; r1 "
        "= map[0]; "
        "call bpf_map_update_elem#2; r1 = map[0]; if r0 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unknown: uninitialised-register at instruction 13: no witness replays", maps="H"),
    Row("perf",
        "*(u64 *)(r10 -8) = 0; r2 = map[0]; r3 = 0; r4 = r10; r4 += -8; r5 = 8; call "
        "bpf_perf_event_output#25; r0 = 0; "
        "exit",
        "safe", maps="PE"),
    Row("perf beyond",
        "*(u64 *)(r10 -8) = 0; r2 = map[0]; r3 = 0; r4 = r10; r4 += -8; r5 = 9; call "
        "bpf_perf_event_output#25; r0 = 0; "
        "exit",
        "unsafe stack-bounds@7", maps="PE"),
    Row("csum null", "r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit", "safe"),
    Row("csum null with size",
        "r1 = 0; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "unsafe helper-argument@5"),
    Row("csum pointer of no size",
        "r1 = r10; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit", "safe"),
    Row("csum unwritten",
        "r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "safe; uninitialised-stack@6 before 6.1"),
    Row("a random number of 32 bits",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 goto pc+7; "
        "r7 = r0; call bpf_get_prandom_u32#7; w6 = w0; w6 += -1; if w6 > 6 goto pc+2; r7 += r0; "
        "r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        "safe", maps="V"),
    Row("a time of 64 bits",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 goto pc+7; "
        "r7 = r0; call bpf_ktime_get_ns#5; w6 = w0; w6 += -1; if w6 > 6 goto pc+2; r7 += r0; "
        "r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        "unsafe map-value-bounds@13; offset-limit@12", maps="V"),
    Row("helper pkt",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 16; if r4 > r3 goto pc+8; r1 = r2; "
        "r2 = 8; r3 = 0; "
        "r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit; r0 = 0; exit",
        "safe"),
    Row("helper pkt beyond",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 16; if r4 > r3 goto pc+8; r1 = r2; "
        "r2 = 20; "
        "r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit; r0 = 0; exit",
        "unsafe packet-bounds@10"),
    Row("record",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+4; *(u64 *)(r0 +0) "
        "= 1; r1 = r0; "
        "r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; exit",
        "safe", maps="R"),
    Row("record leaked",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+1; *(u64 *)(r0 +0) "
        "= 1; r0 = 0; "
        "exit",
        "unsafe unreleased-reference@8", maps="R"),
    Row("record beyond",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+4; *(u8 *)(r0 +8) = "
        "1; r1 = r0; "
        "r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; exit",
        "unsafe memory-bounds@6", maps="R"),
    Row("record twice",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+8; r6 = r0; r1 = "
        "r0; r2 = 0; "
        "call bpf_ringbuf_submit#132; r1 = r6; r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; exit",
        "unsafe helper-argument@12", maps="R"),
    Row("record after",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+6; r6 = r0; r1 = "
        "r0; r2 = 0; "
        "call bpf_ringbuf_submit#132; r0 = *(u64 *)(r6 +0); r0 = 0; exit",
        "unsafe scalar-dereference@10", maps="R"),
    Row("record spilled after",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+6; *(u64 *)(r10 -8) "
        "= r0; "
        "r1 = r0; r2 = 0; call bpf_ringbuf_submit#132; r6 = *(u64 *)(r10 -8); r0 = *(u64 *)(r6 +0); r0 = "
        "0; exit",
        "unsafe scalar-dereference@11", maps="R"),
    Row("record moved",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+5; r0 += 4; r1 = "
        "r0; r2 = 0; "
        "call bpf_ringbuf_submit#132; r0 = 0; exit",
        "safe; helper-argument@9", maps="R"),
    Row("record unchecked",
        "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+0; r1 = r0; r2 = 0; "
        "call bpf_ringbuf_submit#132; r0 = 0; exit",
        "unsafe helper-argument@8", maps="R"),
    Row("record size unknown",
        "r2 = *(u32 *)(r1 +8); r1 = map[0]; r3 = 0; call bpf_ringbuf_reserve#131; r0 = 0; exit",
        "unknown: an allocation of unknown size; helper-argument@4", maps="R"),
    Row("submit a stack pointer",
        "r1 = r10; r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; exit",
        "unsafe helper-argument@2", maps="R"),
    Row("lock",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_lock#93; r1 = r6; call bpf_spin_unlock#94; r0 = 0; exit",
        "safe", maps="L"),
    Row("lock held",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_lock#93; r0 = 0; exit",
        "unsafe lock-held-at-exit@5", maps="L"),
    Row("lock twice",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_lock#93; r1 = r6; call bpf_spin_lock#93; r0 = 0; exit",
        "unsafe lock-twice@5", maps="L"),
    Row("unlock unheld",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_unlock#94; r0 = 0; exit",
        "unsafe unlock-unheld@3", maps="L"),
    Row("unlock another",
        "r6 = map[0][0]+0; r7 = map[1][0]+0; r1 = r6; call bpf_spin_lock#93; r1 = r7; call "
        "bpf_spin_unlock#94; r0 = 0; "
        "exit",
        "unsafe unlock-unheld@7; unlock-unheld@7", maps="L L"),
    Row("call under lock",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_lock#93; call bpf_get_prandom_u32#7; r1 = r6; call "
        "bpf_spin_unlock#94; "
        "r0 = 0; exit",
        "safe; call-under-lock@4", maps="L"),
    Row("function under lock",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_lock#93; call pc+4; r1 = r6; call bpf_spin_unlock#94; r0 "
        "= 0; exit; "
        "r0 = 0; exit",
        "safe; call-under-lock@4 before 6.9", maps="L"),
    Row("lock misplaced",
        "r6 = map[0][0]+4; r1 = r6; call bpf_spin_lock#93; r0 = 0; exit",
        "unsafe helper-argument@3", maps="L"),
    Row("lock in value without",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_lock#93; r0 = 0; exit",
        "unsafe helper-argument@3", maps="V"),
    Row("tail call", "r2 = map[0]; r3 = 0; call bpf_tail_call#12; r0 = 0; exit", "safe", maps="P"),
    Row("tail call out of a function",
        "call pc+1; exit; r2 = map[0]; r3 = 0; call bpf_tail_call#12; r0 = 0; exit", "safe", maps="P"),
    Row("tail call out of a function, whose result is used as an index",
        "call pc+5; r1 = map[1][0]+0; r1 += r0; r0 = *(u8 *)(r1 +0); exit; r2 = map[0]; r3 = 0; "
        "call bpf_tail_call#12; r0 = 0; exit",
        "unknown: map-value-bounds at instruction 4: no witness replays; offset-limit@3", maps="P V"),
    Row("tail call out of a function that was to write to its caller's stack",
        "r2 = r10; r2 += -8; call pc+2; r0 = *(u64 *)(r10 -8); exit; r6 = r2; r2 = map[0]; r3 = 0; "
        "call bpf_tail_call#12; *(u64 *)(r6 +0) = 0; r0 = 0; exit",
        "safe; uninitialised-stack@3 before 6.1", maps="P", type_="sched_cls"),
    Row("tail call out of a function, with a packet pointer from before it",
        "r7 = *(u32 *)(r1 +76); r2 = *(u32 *)(r1 +80); r3 = r7; r3 += 1; if r3 > r2 goto pc+2; call pc+3; "
        "r0 = *(u8 *)(r7 +0); r0 = 0; exit; r2 = map[0]; r3 = 0; call bpf_tail_call#12; r0 = 0; exit",
        "unknown: stale-packet-pointer at instruction 6: no witness replays; "
        "stale-packet-pointer@6 since 6.6 before 6.18", maps="P", type_="sched_cls"),
    Row("tail call result", "r2 = map[0]; r3 = 0; call bpf_tail_call#12; exit", "unsafe no-return-value@4",
        maps="P"),
    Row("tail call with record",
        "r7 = r1; r1 = map[1]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+8; r6 = "
        "r0; r1 = r7; "
        "r2 = map[0]; r3 = 0; call bpf_tail_call#12; r1 = r6; r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; "
        "exit",
        "unsafe uninitialised-register@15; unreleased-reference@12", maps="P R"),
    Row("tail call other map",
        "r2 = map[0]; r3 = 0; call bpf_tail_call#12; r0 = 0; exit",
        "unknown: a map that the helper does not take; map-helper@3", maps="V"),
    Row("function", "r1 = 1; call pc+2; r0 = 0; exit; r0 = r1; exit", "safe"),
    Row("function R0", "call pc+1; exit; r0 = 1; exit", "safe"),
    Row("function no R0", "call pc+1; exit; r1 = 1; exit", "unsafe no-return-value@1"),
    Row("function unpriv", "call pc+1; exit; r0 = 1; exit", "safe; privileged-call@0", type_="socket_filter",
        privileged=False),
    Row("function stack pointer back", "call pc+1; exit; r0 = r10; exit", "safe; stack-in-caller@3"),
    Row("function stack pointer stored",
        "r1 = r10; r1 += -8; call pc+2; r0 = 0; exit; *(u64 *)(r1 +0) = r10; r0 = 0; exit",
        "safe; stack-in-caller@5"),
    Row("function writes callers stack",
        "r1 = r10; r1 += -8; call pc+2; r0 = *(u64 *)(r10 -8); exit; *(u64 *)(r1 +0) = 5; r0 = 0; exit",
        "safe", type_="socket_filter"),
    Row("function below own stack", "call pc+1; exit; *(u8 *)(r10 -513) = 0; r0 = 0; exit",
        "unsafe stack-bounds@2"),
    Row("function needs own R6", "r6 = 1; call pc+2; r0 = r6; exit; r6 = 2; r0 = r6; exit", "safe"),
    Row("callers R6 kept",
        "r6 = 1; call pc+3; if r6 == 1 goto pc+1; r0 = *(u8 *)(r9 +0); exit; r6 = 2; r0 = r6; exit", "safe"),
    Row("R1 after function", "r1 = 1; call pc+2; r0 = r1; exit; r0 = 0; exit",
        "unsafe uninitialised-register@2"),
    Row("stack depth ok", "*(u8 *)(r10 -256) = 0; call pc+1; exit; *(u8 *)(r10 -256) = 0; r0 = 0; exit",
        "safe"),
    Row("stack depth", "*(u8 *)(r10 -256) = 0; call pc+1; exit; *(u8 *)(r10 -257) = 0; r0 = 0; exit",
        "safe; stack-depth@0"),
    Row("stack depth with a call that keeps registers",
        "call bpf_get_smp_processor_id#8; *(u64 *)(r10 -512) = 0; call pc+1; exit; *(u64 *)(r10 -16) = 0; "
        "r0 = 0; exit",
        "safe; stack-depth@0 before 6.12"),
    Row("stack depth three",
        "*(u8 *)(r10 -200) = 0; call pc+1; exit; *(u8 *)(r10 -200) = 0; call pc+1; exit; *(u8 *)(r10 -200) "
        "= 0; r0 = 0; "
        "exit",
        "safe; stack-depth@0"),
    Row("stack depth tracing",
        "*(u8 *)(r10 -256) = 0; call pc+1; exit; *(u8 *)(r10 -257) = 0; r0 = 0; exit",
        "safe; stack-depth@0 before 6.13", type_="kprobe"),
    Row("stack depth tracing, traced by a trampoline",
        "*(u8 *)(r10 -256) = 0; call pc+1; exit; *(u8 *)(r10 -257) = 0; r0 = 0; exit",
        "safe; stack-depth@0 before 6.13", type_="tracing"),
    Row("recursion", "r1 = 3; call pc+1; exit; r1 += -1; if r1 == 0 goto pc+1; call pc-3; r0 = 0; exit",
        "safe; recursion@3"),
    Row("eight frames",
        "call pc+1; exit; call pc+1; exit; call pc+1; exit; call pc+1; exit; call pc+1; exit; call pc+1; "
        "exit; "
        "call pc+1; exit; r0 = 0; exit",
        "safe"),
    Row("leave by packet load",
        "r6 = r1; call pc+2; r0 = 0; exit; r6 = r1; r0 = *(u8 *)skb[0]; exit",
        "unknown: a legacy packet load in a function without BTF, which no kernel takes",
        type_="socket_filter"),
    Row("skb", "r6 = r1; r0 = *(u16 *)skb[4]; exit", "safe", type_="socket_filter"),
    Row("skb not in xdp", "r6 = r1; r0 = *(u16 *)skb[4]; exit", "safe; packet-load-context@1", type_="xdp"),
    Row("skb without R6", "r6 = 0; r0 = *(u16 *)skb[4]; exit", "unsafe packet-load-context@1",
        type_="socket_filter"),
    Row("skb scratches",
        "r6 = r1; r2 = 1; r0 = *(u16 *)skb[4]; r0 = r2; exit",
        "unsafe uninitialised-register@3", type_="socket_filter"),
    Row("skb what was read",
        "r6 = r1; r0 = *(u16 *)skb[4]; if r0 != 513 goto pc+1; r0 = *(u8 *)(r9 +0); exit",
        "unsafe uninitialised-register@3", type_="socket_filter"),
    Row("skb read twice",
        "r6 = r1; r0 = *(u8 *)skb[4]; r7 = r0; r0 = *(u8 *)skb[4]; if r0 == r7 goto pc+1; r0 = *(u8 *)(r9 "
        "+0); exit",
        "safe", type_="socket_filter"),
    Row("skb reached once",
        "r6 = r1; r0 = *(u16 *)skb[4]; r0 = *(u8 *)skb[5]; r7 = 1; r0 = *(u8 *)skb[6]; r0 = *(u8 *)(r9 "
        "+0); exit",
        "unsafe uninitialised-register@5", type_="socket_filter"),
    Row("skb indirect", "r6 = r1; r2 = 1; r0 = *(u16 *)skb[r2 + 4]; exit", "safe", type_="socket_filter"),
    Row("skb range",
        "r6 = r1; r0 = *(u8 *)skb[0]; if r0 <= 255 goto pc+1; r0 = *(u8 *)(r9 +0); exit",
        "safe", type_="socket_filter"),
    Row("skb with record",
        "r6 = r1; r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+5; r7 = r0; "
        "r0 = *(u8 *)skb[0]; r1 = r7; r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; exit",
        "unsafe unreleased-reference@8; unreleased-reference@8",
        maps="R", type_="socket_filter"),
    Row("skb index pointer unpriv",
        "r6 = r1; r2 = r10; r0 = *(u16 *)skb[r2 + 4]; exit",
        "safe", type_="socket_filter", privileged=False),
    Row("div zero", "r0 = 1; r0 /= 0; exit", "safe; division-by-zero-constant@1"),
    Row("mod zero w", "w0 = 1; w0 %= 0; exit", "safe; division-by-zero-constant@1"),
    Row("shift 64", "r0 = 1; r0 <<= 64; exit", "safe; invalid-shift@1"),
    Row("shift 63", "r0 = 1; r0 <<= 63; exit", "safe"),
    Row("shift 32 w", "w0 = 1; w0 <<= 32; exit", "safe; invalid-shift@1"),
    Row("shift -1", "r0 = 1; r0 s>>= -1; exit", "safe; invalid-shift@1"),
    Row("unreachable", "r0 = 0; exit; r0 = 1; exit", "safe; unreachable@2"),
    Row("falls off", "r0 = 0", "unknown: the program's form is not one that runs; falls-off@0"),
    Row("jump last", "r0 = 0; goto pc+1; exit; goto pc-2", "safe"),
    Row("jump out", "r0 = 0; if r0 == 0 goto pc+5; exit",
        "unknown: the program's form is not one that runs; jump-out-of-range@1"),
    Row("jump out back",
        "r0 = 0; if r0 == 1 goto pc-3; exit",
        "unknown: the program's form is not one that runs; jump-out-of-range@1"),
    Row("jump into immediate",
        "r0 = 0; if r0 == 0 goto pc+1; r1 = 0x100000000; exit",
        "unknown: the program's form is not one that runs; jump-into-immediate@1"),
    Row("jump into function",
        "r0 = 0; if r0 == 0 goto pc+2; call pc+1; exit; r0 = 0; exit",
        "unknown: the program's form is not one that runs; jump-out-of-range@1"),
    Row("back edge unpriv",
        "r0 = 0; r0 += 1; if r0 < 3 goto pc-2; exit",
        "safe; back-edge@2", type_="socket_filter", privileged=False),
    Row("forward twice unpriv",
        "r0 = 0; if r0 == 1 goto pc+1; if r0 == 2 goto pc+0; exit",
        "safe", type_="socket_filter", privileged=False),
    Row("no such map", "r0 = map[3]; exit", "unknown: the program's form is not one that runs; no-such-map@0",
        maps="V"),
    Row("gotol", "r0 = 0; gotol pc+0; exit", "safe"),
    Row("sign-extending move", "r1 = 0; r0 = (s8)r1; exit", "safe; reserved-field@1 before 6.6"),
    Row("call out", "call pc+9; exit",
        "unknown: the program's form is not one that runs; jump-out-of-range@0"),
    Row("map program", "r0 = 0; exit", "safe", maps="R", type_="sched_cls"),
    Row("dereference number", "r1 = 5; r0 = *(u8 *)(r1 +0); exit", "unsafe scalar-dereference@1"),
    Row("dereference zero", "r1 = 0; r0 = *(u8 *)(r1 +0); exit", "unsafe null-dereference@1"),
    Row("dereference unknown", "r2 = *(u32 *)(r1 +8); r0 = *(u8 *)(r2 +0); exit",
        "unsafe scalar-dereference@1"),
    Row("write number", "r1 = 5; *(u8 *)(r1 +0) = 0; exit", "unsafe scalar-dereference@1"),
)  # fmt: skip
