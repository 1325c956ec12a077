"""Maps inside maps, and helpers' memory at places on the stack that an input decides."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

ROWS = (
    Row("a value of an inner map",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+7; r1 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+1; r0 = *(u64 *)(r0 +0); r0 = 0; exit",
        "safe", maps="MI"),
    Row("beyond a value of an inner map",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+7; r1 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+1; r0 = *(u64 *)(r0 +8); r0 = 0; exit",
        "unsafe map-value-bounds@13", maps="MI"),
    Row("what an inner map holds",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+9; r1 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+3; r0 = *(u64 *)(r0 +0); "
        "if r0 != 77 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@15", maps="MI"),
    Row("an inner map that may be null",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "r1 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; call bpf_map_lookup_elem#1; r0 = 0; "
        "exit",
        "unsafe helper-argument@10; null-check@10", maps="MI"),
    Row("no inner map",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 != 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@7", maps="MI"),
    Row("an inner map is not written",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+1; *(u64 *)(r0 +0) = 1; r0 = 0; exit",
        "unsafe read-only@7", maps="MI"),
    Row("an inner map moved",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+3; r0 += 4; goto pc+0; goto pc+0; r0 = 0; exit",
        "safe; pointer-arithmetic@7", maps="MI"),
    Row("the second of two inner maps",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+9; r1 = r0; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -8; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+3; r0 = *(u64 *)(r0 +8); "
        "if r0 != 5 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@15", maps="MJ MI"),
    Row("the first of two inner maps",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[1]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+9; r1 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+3; r0 = *(u64 *)(r0 +8); "
        "if r0 != 5 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe map-value-bounds@13", maps="MJ MI"),
    Row("another behind a map without one",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[1]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+7; r1 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+1; r0 = *(u64 *)(r0 +1); r0 = 0; exit",
        "unsafe map-value-bounds@13", maps="A MI"),
    Row("a key at one of two places",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 1; *(u64 *)(r10 -16) = 2; r2 = r10; "
        "r2 += -16; r2 += r6; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe", maps="A"),
    Row("a key at one of two places, one of them no stack",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 1; r2 = r10; r2 += -8; r2 += r6; "
        "r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe stack-bounds@8", maps="A"),
    Row("a key at one of two places, one of them unwritten",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 1; r2 = r10; r2 += -16; r2 += r6; "
        "r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe; uninitialised-stack@8 before 6.1", maps="A"),
    Row("the same, unprivileged",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 1; r2 = r10; r2 += -16; r2 += r6; "
        "r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unsafe uninitialised-stack@8; variable-stack@8", maps="A", type_="socket_filter", privileged=False),
    Row("a helper fills one of two places",
        "r7 = r1; r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 1; *(u64 *)(r10 -16) = 2; "
        "r2 = r10; r2 += -16; r2 += r6; r1 = r7; r3 = r2; r2 = 0; r4 = 8; "
        "call bpf_skb_load_bytes#26; r0 = *(u64 *)(r10 -8); if r0 == 1 goto pc+1; "
        "r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@15"),
    Row("a helper fills none of two places",
        "r7 = r1; r6 = *(u32 *)(r1 +8); r6 &= 8; *(u64 *)(r10 -8) = 1; *(u64 *)(r10 -16) = 2; "
        "r2 = r10; r2 += -16; r2 += r6; r1 = r7; r3 = r2; r2 = 0; r4 = 8; "
        "call bpf_skb_load_bytes#26; if r6 != 0 goto pc+3; r0 = *(u64 *)(r10 -8); "
        "if r0 == 1 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "safe"),
    Row("a helper's memory at many places of the stack",
        "r6 = *(u32 *)(r1 +8); r6 &= 127; r7 = r1; r3 = r10; r3 += -256; r3 += r6; r2 = 0; "
        "r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unknown: a helper's memory at a variable stack offset"),
    Row("a helper's memory at many places, some of them no stack",
        "r6 = *(u32 *)(r1 +8); r6 &= 127; r7 = r1; r3 = r10; r3 += -16; r3 += r6; r2 = 0; "
        "r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; exit",
        "unsafe stack-bounds@8"),
    Row("two of a helper's places",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; r7 = *(u32 *)(r1 +8); r7 &= 16; *(u64 *)(r10 -8) = 1; "
        "*(u64 *)(r10 -16) = 2; *(u64 *)(r10 -24) = 2; *(u64 *)(r10 -32) = 2; r2 = r10; "
        "r2 += -32; r2 += r6; r3 = r10; r3 += -24; r3 += r7; r1 = map[0]; r4 = 0; "
        "call bpf_map_update_elem#2; r0 = 0; exit",
        "safe", maps="H"),
)  # fmt: skip
