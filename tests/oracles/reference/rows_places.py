"""What loads give back at places that are known, and at ones that are not; and what comparing two pointers
decides."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

BAD = "r0 = *(u8 *)(r9 +0)"
"""Breaks a rule wherever a path comes by: nobody wrote R9."""
EITHER = "r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 1; *(u64 *)(r10 -16) = 2; r2 = r10; r2 += -16; r2 += r6; "
"""R2 points to the 2 at fp-16 or the 1 at fp-8, as R6 says."""
RACE = "r2 = map[0][0]+0; r3 = *(u64 *)(r2 +0); r5 = *(u64 *)(r2 +0); r5 ^= r3; r5 &= 8; r2 += r5; r0 = *(u64 *)(r2 +0); "
"""Breaks a rule only where another processor writes the value between two reads, which no run of ours shows.
"""
PLACES = "r6 = *(u32 *)(r1 +8); if r6 > {} goto pc+4; r2 = r10; r2 += -256; r2 += r6; *(u8 *)(r2 +0) = 7; r0 = 0; exit"
LOOKED = "*(u32 *)(r10 -4) = 9; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
SUM = "r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit"
"""R1 and R2 are memory, or null, and its size."""
ALIGNED = (
    "r7 = r1; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == "
    "0 goto pc+10; "
    "r6 = *(u32 *)(r7 +0); r6 &= {}; r0 += r6; r4 = r0; *(u64 *)(r10 -16) = 49; r1 = r10; r1 += -16; r2 = "
    "8; r3 = 0; "
    "call bpf_strtol#105; r0 = 1; r0 = 1; exit"
)
ATOMIC = (
    "r6 = *(u32 *)(r1 +8); r6 &= {}; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; r1 = map[0]; call "
    "bpf_map_lookup_elem#1; "
    "if r0 == 0 goto pc+3; r0 += r6; r1 = 1; lock *(u64 *)(r0 +0) += r1; r0 = 0; exit"
)
RECORD = "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+4; "
SUBMITTED = "r0 = 0; exit; r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; exit"
FIELD = "r6 = *(u32 *)(r1 +8); r6 &= {}; r2 = map[0][0]+0; r2 += r6; *(u8 *)(r2 +0) = 1; r0 = 0; exit"

ROWS = (
    Row("var stack reads either",
        f"{EITHER}r0 = *(u64 *)(r2 +0); if r0 == 1 goto pc+2; if r0 == 2 goto pc+1; {BAD}; exit", "safe"),
    Row("var stack may read the first", f"{EITHER}r0 = *(u64 *)(r2 +0); if r0 != 2 goto pc+1; {BAD}; exit",
        "unsafe uninitialised-register@9"),
    Row("var stack may read the second", f"{EITHER}r0 = *(u64 *)(r2 +0); if r0 != 1 goto pc+1; {BAD}; exit",
        "unsafe uninitialised-register@9"),
    Row("var stack writes either",
        f"{EITHER}*(u64 *)(r2 +0) = 7; r0 = *(u64 *)(r10 -16); r3 = *(u64 *)(r10 -8); r0 += r3; "
        f"if r0 == 8 goto pc+2; if r0 == 9 goto pc+1; {BAD}; exit", "safe"),
    Row("var stack written where the number says",
        f"{EITHER}*(u64 *)(r2 +0) = 7; if r6 == 0 goto pc+3; r0 = *(u64 *)(r10 -16); if r0 == 2 goto pc+1; "
        f"{BAD}; r0 = 0; exit",
        "safe"),
    Row("var stack not written elsewhere",
        f"{EITHER}*(u64 *)(r2 +0) = 7; if r6 != 0 goto pc+3; r0 = *(u64 *)(r10 -16); if r0 == 2 goto pc+1; "
        f"{BAD}; r0 = 0; exit",
        "unsafe uninitialised-register@11"),
    Row("var stack beyond",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; r2 = r10; r2 += -8; r2 += r6; *(u64 *)(r2 +0) = 7; r0 = 0; exit",
        "unsafe stack-bounds@5"),
    Row("var stack many",
        "r6 = *(u32 *)(r1 +8); r6 &= 255; r2 = r10; r2 += -256; r2 += r6; *(u8 *)(r2 +0) = 7; r0 = 0; exit",
        "unknown: an offset into the stack with many values"),
    Row("var stack to a helper",
        f"r7 = r1; {EITHER}r1 = r7; r3 = r2; r2 = 0; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "safe"),
    Row("var value", FIELD.format(7), "safe", maps="V"),
    Row("var value beyond", FIELD.format(8), "unsafe map-value-bounds@5", maps="V"),
    Row("var value compared",
        "r6 = *(u32 *)(r1 +8); if r6 > 7 goto pc+4; r2 = map[0][0]+0; r2 += r6; *(u8 *)(r2 +0) = 1; r0 = "
        "0; exit",
        "safe", maps="V"),
    Row("another may write a value between two reads",
        f"r2 = map[0][0]+0; r3 = *(u64 *)(r2 +0); r4 = *(u64 *)(r2 +0); if r3 == r4 goto pc+1; {BAD}; r0 = "
        "0; exit",
        "unknown: uninitialised-register at instruction 5: no witness replays", maps="V"),
    Row("a key from a value that programs may only read",
        "r1 = map[1]; r2 = map[0][0]+0; call bpf_map_lookup_elem#1; r0 = 0; exit", "safe", maps="RO H"),
    Row("a value from one",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r3 = map[0][0]+0; r1 = map[1]; r4 = 0; call "
        "bpf_map_update_elem#2; r0 = 0; exit",
        "safe", maps="RO H"),
    Row("a key from a value that programs may only write",
        "r1 = map[1]; r2 = map[0][0]+0; call bpf_map_lookup_elem#1; r0 = 0; exit", "safe; read-only@4",
        maps="WO H"),
    Row("the packet's end for a helper's memory",
        "r1 = *(u32 *)(r1 +80); r2 = 4; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "unsafe packet-bounds@5"),
    Row("a number for memory or null",
        "r1 = *(u32 *)(r1 +8); r2 = 4; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; r0 = 0; exit",
        "unsafe helper-argument@5"),
    Row("the packet from before a call that may change it",
        "r6 = r1; r7 = *(u32 *)(r1 +76); r2 = *(u32 *)(r1 +80); r3 = r7; r3 += 16; if r3 > r2 goto pc+3; r2 = 0; "
        "call bpf_skb_pull_data#39; r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        "unsafe stale-packet-pointer@8"),
    Row("the packet from before a function that may change it",
        "r6 = r1; r7 = *(u32 *)(r1 +76); r2 = *(u32 *)(r1 +80); r3 = r7; r3 += 16; if r3 > r2 goto pc+2; "
        "call pc+3; r0 = *(u8 *)(r7 +0); r0 = 0; exit; r2 = 0; r3 = 0; call bpf_skb_change_tail#38; exit",
        "unsafe stale-packet-pointer@7"),
    Row("a key in the packet from before a call that may change it",
        "r6 = r1; r7 = *(u32 *)(r1 +76); r2 = *(u32 *)(r1 +80); r3 = r7; r3 += 16; if r3 > r2 goto pc+5; r2 = 0; "
        "call bpf_skb_pull_data#39; r1 = map[0]; r2 = r7; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe stale-packet-pointer@11", maps="H"),
    Row("the packet from before a call that reads it",
        "r6 = r1; r7 = *(u32 *)(r1 +76); r2 = *(u32 *)(r1 +80); r3 = r7; r3 += 16; if r3 > r2 goto pc+6; r2 = 0; "
        "r3 = r10; r3 += -8; r4 = 8; call bpf_skb_load_bytes#26; r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        "safe"),
    Row("the packet from before a tail call that failed",
        "r6 = r1; r7 = *(u32 *)(r1 +76); r2 = *(u32 *)(r1 +80); r3 = r7; r3 += 16; if r3 > r2 goto pc+5; "
        "r2 = map[0]; r3 = 0; call bpf_tail_call#12; r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        "safe; stale-packet-pointer@10 since 6.6 before 6.18", maps="P"),
    Row("the packet from after a tail call that failed",
        "r6 = r1; r2 = map[0]; r3 = 0; call bpf_tail_call#12; r7 = *(u32 *)(r6 +76); r2 = *(u32 *)(r6 +80); "
        "r3 = r7; r3 += 16; r0 = 0; if r3 > r2 goto pc+1; r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        "safe", maps="P"),
    *(Row(f"a packet pointer {mask} bytes in",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r4 = r2; r4 += 4; if r4 > r3 goto pc+7; r5 = *(u32 *)(r2 +0); "
        f"r5 &= {mask}; r2 += r5; r4 = r2; r4 += 1; if r4 > r3 goto pc+1; r0 = *(u8 *)(r2 +0); r0 = 2; exit",
        says, type_="xdp")
      for mask, says in ((65534, "safe"), (65535, "safe; packet-offset-limit@11"),
                         (131071, "safe; packet-offset-limit@11"))),
    *(Row(f"a packet pointer {far} bytes in, a constant",
        f"r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r2 += {far}; r4 = r2; r4 += 1; if r4 > r3 goto pc+1; "
        "r0 = *(u8 *)(r2 +0); r0 = 2; exit",
        says, type_="xdp")
      for far, says in ((65534, "safe"), (65535, "safe; packet-offset-limit@6"))),
    Row("a key far into the packet",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r2 += 65532; r4 = r2; r4 += 4; if r4 > r3 goto pc+3; "
        "r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 2; exit",
        "safe; packet-offset-limit@8", maps="H", type_="xdp"),
    *(Row(f"a moved context of {kind}", "r2 = r1; r2 += 8; r5 = *(u64 *)(r2 +0); r0 = 0; exit",
        "safe; context-modified@2 before 7.1", type_=kind)
      for kind in ("kprobe", "tracepoint", "raw_tracepoint", "raw_tracepoint_writable")),
    Row("a moved context of cgroup_device", "r2 = r1; r2 += 8; r5 = *(u32 *)(r2 +0); r0 = 0; exit",
        "safe; context-modified@2 before 7.1", type_="cgroup_device"),
    Row("a moved context of perf_event", "r2 = r1; r2 += 8; r5 = *(u64 *)(r2 +0); r0 = 0; exit",
        "safe; context-modified@2", type_="perf_event"),
    Row("a context moved by a number",
        "r2 = *(u64 *)(r1 +0); r2 &= 8; r1 += r2; r5 = *(u64 *)(r1 +0); r0 = 0; exit",
        "unknown: a context access at an unknown offset; context-modified@3", type_="kprobe"),
    Row("refused after the packet changed",
        "r6 = r1; r2 = 0; call bpf_skb_pull_data#39; r0 = r10; r0 *= 2; r0 = 0; exit",
        "safe; pointer-arithmetic@4"),
    Row("refused after a string",
        "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call bpf_probe_read_kernel_str#115; r1 = r10; r1 *= 2; r0 = "
        "0; exit",
        "safe; pointer-arithmetic@6", type_="kprobe"),
    Row("a socket's field has its size",
        "r2 = *(u64 *)(r1 +168); if r2 == 0 goto pc+3; r0 = *(u32 *)(r2 +4); r0 >>= 32; if r0 != 0 goto "
        "pc+2; r0 = 0; exit; "
        f"{BAD}; exit", "safe"),
    Row("pointers in order",
        f"r2 = r10; r2 += -8; r3 = r10; r3 += -16; if r2 > r3 goto pc+1; {BAD}; r0 = 0; exit", "safe"),
    Row("pointers in order, less",
        f"r2 = r10; r2 += -8; r3 = r10; r3 += -16; if r3 < r2 goto pc+1; {BAD}; r0 = 0; exit", "safe"),
    Row("pointers that are one",
        f"r2 = r10; r2 += -8; r3 = r10; r3 += -8; if r2 == r3 goto pc+1; {BAD}; r0 = 0; exit", "safe"),
    Row("pointers that are two",
        f"r2 = r10; r2 += -8; r3 = r10; r3 += -9; if r2 != r3 goto pc+1; {BAD}; r0 = 0; exit", "safe"),
    Row("pointers in signed order",
        f"r2 = r10; r2 += -8; r3 = r10; r3 += 8; if r2 s< r3 goto pc+1; {BAD}; r0 = 0; exit", "safe"),
    *(
        Row(f"a pointer before its region, {order}",
            f"r2 = map[0][0]+0; r2 += -8; r3 = map[0][0]+0; if {order} goto pc+1; {BAD}; r0 = 0; exit",
            "safe", maps="V")
        for order in ("r2 < r3", "r2 <= r3", "r3 > r2", "r3 >= r2", "r2 s< r3", "r2 s<= r3", "r3 s> r2",
                      "r3 s>= r2", "r2 != r3")
    ),
    Row("after what may break, the rest is as if it had not",
        f"{RACE}if r5 == 0 goto pc+1; {BAD}; r0 = 0; exit",
        "unknown: map-value-bounds at instruction 7: no witness replays", maps="V"),
    Row("rules of policy after what may break", f"{RACE}r3 = r10; r3 *= 2; r0 = 0; exit",
        "unknown: map-value-bounds at instruction 7: no witness replays; pointer-arithmetic@9", maps="V"),
    Row("a stored key of two bytes",
        "*(u32 *)(r10 -4) = 256; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = *(u8 "
        "*)(r0 +0); exit",
        "unsafe null-dereference@6", maps="A"),
    Row("falls off behind a wide immediate", "r0 = 0; if r0 == 0 goto pc+1; exit; r0 = 0x100000000",
        "unknown: the program's form is not one that runs; falls-off@3"),
    Row("64 places on the stack", PLACES.format(63), "safe"),
    Row("65 places on the stack", PLACES.format(64), "unknown: an offset into the stack with many values"),
    Row("a context moved back", "r1 += -4; r0 = *(u32 *)(r1 +8); exit", "safe; context-modified@1"),
    Row("a context's field stored in part",
        "r2 = 7; *(u32 *)(r1 +48) = r2; r2 = 3; *(u8 *)(r1 +48) = r2; r0 = *(u32 *)(r1 +48); if r0 == 7 "
        f"goto pc+1; {BAD}; "
        "r0 = 0; exit", "unsafe uninitialised-register@6"),
    Row("a context's field stored beside",
        "r2 = 7; *(u32 *)(r1 +48) = r2; r2 = 3; *(u32 *)(r1 +52) = r2; r0 = *(u32 *)(r1 +48); if r0 == 7 "
        f"goto pc+1; {BAD}; "
        "r0 = 0; exit", "safe"),
    Row("R0 after a lock",
        "r6 = map[0][0]+0; r0 = 0; r1 = r6; call bpf_spin_lock#93; r7 = r0; r1 = r6; call "
        "bpf_spin_unlock#94; r0 = 0; exit",
        "unsafe uninitialised-register@5", maps="L"),
    Row("R0 after an unlock",
        "r6 = map[0][0]+0; r1 = r6; call bpf_spin_lock#93; r1 = r6; r0 = 0; call bpf_spin_unlock#94; exit",
        "unsafe no-return-value@7", maps="L"),
    Row("an atomic operation at an odd place", ATOMIC.format(1), "safe; misaligned@11", maps="H8"),
    Row("a callback reads its key",
        "r1 = map[0]; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_for_each_map_elem#164; r0 = 0; exit; "
        "r0 = *(u32 *)(r2 +0); r0 = 0; exit",
        "unknown: a function's address without BTF, which no kernel takes", maps="V"),
    Row("a callback reads beyond its key",
        "r1 = map[0]; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_for_each_map_elem#164; r0 = 0; exit; "
        "r0 = *(u32 *)(r2 +1); r0 = 0; exit", "unsafe memory-bounds@9", maps="V"),
    Row("a variable access of a small value",
        "r6 = *(u32 *)(r1 +8); r6 &= 1; r2 = map[0][0]+0; r2 += r6; r2 += 4; *(u64 *)(r2 +0) = 1; r0 = 0; "
        "exit",
        "unsafe map-value-bounds@6", maps="V"),
    Row("a function's stack after it",
        "call pc+2; r0 = *(u64 *)(r0 +0); exit; *(u64 *)(r10 -8) = 1; r0 = r10; r0 += -8; exit",
        "unknown: stack-bounds at instruction 1: no witness replays; stack-in-caller@6"),
    Row("perhaps null for memory or null, of no size", f"{LOOKED}r1 = r0; r2 = 0; {SUM}", "safe", maps="H"),
    Row("perhaps null for memory or null", f"{LOOKED}r1 = r0; r2 = 8; {SUM}", "unsafe helper-argument@11",
        maps="H"),
    Row("perhaps null for a key", f"{LOOKED}r2 = r0; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe helper-argument@9; null-check@9", maps="H"),
    Row("a number for a key", "r2 = 7; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe helper-argument@3", maps="H"),
    Row("a lock on the stack", "r1 = r10; r1 += -8; call bpf_spin_lock#93; r0 = 0; exit",
        "unsafe helper-argument@2"),
    Row("the context for a helper's memory", f"r2 = 8; {SUM}", "unsafe helper-argument@4"),
    Row("a map for a helper's memory", f"r1 = map[0]; r2 = 8; {SUM}", "unsafe helper-argument@6", maps="V"),
    Row("a helper's memory of unknown size beside a lock",
        f"r6 = *(u32 *)(r1 +8); r6 &= 4; r1 = map[0][0]+4; r2 = r6; {SUM}",
        "unknown: a helper's memory of unknown size in a value with special fields", maps="L"),
    Row("a helper's memory over a lock", f"r1 = map[0][0]+0; r2 = 8; {SUM}", "unsafe special-field@6",
        maps="L"),
    Row("a helper's memory in the packet that was",
        "r6 = r1; r7 = *(u32 *)(r1 +76); r8 = *(u32 *)(r1 +80); r2 = r7; r2 += 8; if r2 > r8 goto pc+8; r2 "
        "= 0; "
        f"call bpf_skb_pull_data#39; r1 = r7; r2 = 8; {SUM}",
        "unsafe stale-packet-pointer@13"),
    Row("a helper's memory in a frame that is gone",
        "call pc+7; r1 = r0; r2 = 8; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; exit; "
        "*(u64 *)(r10 -8) = 1; r0 = r10; r0 += -8; exit",
        "unknown: stack-bounds at instruction 6: no witness replays; stack-in-caller@11"),
    Row("a helper's memory in the caller's frame",
        f"*(u64 *)(r10 -8) = 1; r1 = r10; r1 += -8; call pc+1; exit; r2 = 8; {SUM}", "safe"),
    Row("a helper may overwrite a stored pointer",
        "r6 = *(u32 *)(r1 +8); r6 &= 7; r6 += 1; *(u64 *)(r10 -8) = r10; r2 = 0; r3 = r10; r3 += -8; r4 = "
        "r6; "
        "call bpf_skb_load_bytes#26; r0 = 0; exit", "unknown: a helper that may overwrite a stored pointer"),
    Row("a helper does not write the packet",
        "r6 = r1; r7 = *(u32 *)(r1 +76); r8 = *(u32 *)(r1 +80); r2 = r7; r2 += 8; if r2 > r8 goto pc+6; r1 "
        "= r6; r2 = 0; r3 = r7; "
        "r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; r0 = 0; exit",
        "unknown: a helper that writes to the packet, which no kernel lets it; helper-argument@10"),
    Row("a tail call under a lock",
        "r6 = r1; r7 = map[1][0]+0; r1 = r7; call bpf_spin_lock#93; r1 = r6; r2 = map[0]; r3 = 0; call "
        "bpf_tail_call#12; r1 = r7; "
        "call bpf_spin_unlock#94; r0 = 0; exit", "safe; call-under-lock@9; lock-held-at-exit@9", maps="P L"),
    Row("a legacy load under a lock",
        "r6 = r1; r7 = map[0][0]+0; r1 = r7; call bpf_spin_lock#93; r0 = *(u8 *)skb[0]; r1 = r7; "
        "call bpf_spin_unlock#94; r0 = 0; exit",
        "unsafe lock-held-at-exit@5; map-program@1; lock-held-at-exit@5", maps="L", type_="socket_filter"),
    Row("pointers of two kinds compared, unpriv",
        "r2 = r10; r3 = r1; r0 = 0; if r2 > r3 goto pc+1; r0 = 1; exit",
        "safe; pointer-comparison@3", type_="socket_filter", privileged=False),
    Row("the stack compared with null, unpriv", "r2 = r10; r0 = 0; if r2 == 0 goto pc+1; r0 = 1; exit",
        "safe; pointer-comparison@2", type_="socket_filter", privileged=False),
    Row("a low half compared with null, unpriv", "r2 = r10; r0 = 0; if w2 == 0 goto pc+1; r0 = 1; exit",
        "safe; pointer-comparison@2", type_="socket_filter", privileged=False),
    Row("an atomic operation on a number", "r2 = 5; r1 = 1; lock *(u64 *)(r2 +0) += r1; r0 = 0; exit",
        "unsafe scalar-dereference@2"),
    Row("a socket's field at a variable place",
        "r2 = *(u64 *)(r1 +168); if r2 == 0 goto pc+4; r6 = *(u32 *)(r1 +8); r6 &= 4; r2 += r6; r0 = *(u32 "
        "*)(r2 +0); r0 = 0; "
        "exit", "unknown: a socket's field at an unknown offset; pointer-arithmetic@4"),
    Row("a packet stored to at a variable place",
        "r6 = *(u32 *)(r1 +8); r6 &= 7; r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 16; "
        "if r4 > r3 goto pc+7; "
        "*(u8 *)(r2 +0) = 7; r2 += r6; *(u8 *)(r2 +0) = 1; r2 = *(u32 *)(r1 +76); r0 = *(u8 *)(r2 +0); if "
        "r0 < 8 goto pc+1; "
        f"{BAD}; r0 = 0; exit", "unknown: uninitialised-register at instruction 13: no witness replays"),
    Row("nine frames", "; ".join(["call pc+1; exit"] * 8) + "; r0 = 0; exit",
        "safe; call-depth@14 before 7.2"),
    Row("sixteen frames", "; ".join(["call pc+1; exit"] * 15) + "; r0 = 0; exit", "safe; call-depth@14 before 7.2"),
    Row("seventeen frames", "; ".join(["call pc+1; exit"] * 16) + "; r0 = 0; exit",
        "unknown: more frames than any kernel has; call-depth@14 before 7.2; call-depth@30 since 7.2"),
    Row("a callback that ends the loop",
        f"r1 = map[0]; r2 = subprog[+6]; r3 = 0; r4 = 0; call bpf_for_each_map_elem#164; {BAD}; exit; r0 = "
        "1; exit",
        "unsafe uninitialised-register@7", maps="V"),
    Row("a number beside half a pointer",
        "*(u32 *)(r10 -16) = 5; *(u64 *)(r10 -12) = r10; *(u8 *)(r10 -9) = 0; r0 = *(u32 *)(r10 -16); if "
        "r0 == 5 goto pc+1; "
        f"{BAD}; r0 = 0; exit", "safe; stack-misaligned@1"),
    Row("a result at a place that is aligned", ALIGNED.format(8), "safe", maps="H8", type_="cgroup_sysctl"),
    Row("a result at one that may not be", ALIGNED.format(4), "safe; misaligned@17", maps="H8",
        type_="cgroup_sysctl"),
    Row("an atomic operation at an aligned place", ATOMIC.format(8), "safe", maps="H8"),
    Row("a map behind the last", "r1 = map[1]; r0 = 0; exit",
        "unknown: the program's form is not one that runs; no-such-map@0", maps="V"),
    Row("an unwritten value, unpriv",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r3 = r10; r3 += -16; r1 = map[0]; r4 = 0; "
        "call bpf_map_update_elem#2; r0 = 0; exit",
        "unsafe uninitialised-stack@8", maps="H", type_="socket_filter", privileged=False),
    Row("arithmetic on a function's address", "r2 = subprog[+4]; r2 += 8; r0 = 0; exit; r0 = 0; exit",
        "unknown: a function's address without BTF, which no kernel takes; arithmetic on a function's "
        "address"),
    Row("R0 at a function's start", "r0 = 1; call pc+1; exit; r1 = r0; r0 = 0; exit",
        "unknown: uninitialised-register at instruction 3: no witness replays"),
    Row("a record given back by a function",
        f"{RECORD}r6 = r0; r1 = r0; call pc+3; r0 = *(u8 *)(r6 +0); {SUBMITTED}",
        "unsafe scalar-dereference@9", maps="R"),
    Row("what else the caller kept", f"{RECORD}r6 = 5; r1 = r0; call pc+3; r0 = r6; {SUBMITTED}", "safe",
        maps="R"),
)  # fmt: skip
