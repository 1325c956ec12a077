"""Kernel pointers in the value of a map: whole or not at all."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

ROWS = (
    Row("before a kernel pointer",
        "r2 = map[0][0]+0; *(u64 *)(r2 +0) = 1; r0 = 0; exit",
        "safe", maps="K"),
    Row("a kernel pointer",
        "r2 = map[0][0]+0; r0 = *(u64 *)(r2 +8); r0 = 0; exit",
        "unknown: kernel pointers in map values", maps="K"),
    Row("half a kernel pointer",
        "r2 = map[0][0]+0; r0 = *(u32 *)(r2 +8); r0 = 0; exit",
        "unknown: kernel pointers in map values; special-field@2", maps="K"),
    Row("the end of a kernel pointer",
        "r2 = map[0][0]+0; r0 = *(u8 *)(r2 +15); r0 = 0; exit",
        "unknown: kernel pointers in map values; special-field@2", maps="K"),
    Row("an untrusted kernel pointer in part",
        "r2 = map[0][0]+0; r0 = *(u16 *)(r2 +18); r0 = 0; exit",
        "unknown: kernel pointers in map values; special-field@2", maps="K"),
    Row("across the start of a kernel pointer",
        "r2 = map[0][0]+0; r2 += 4; *(u64 *)(r2 +0) = 0; r0 = 0; exit",
        "unknown: kernel pointers in map values; special-field@3", maps="K"),
    Row("a kernel pointer at a place that varies",
        "r6 = *(u32 *)(r1 +8); r6 &= 8; r2 = map[0][0]+0; r2 += r6; r0 = *(u64 *)(r2 +0); "
        "r0 = 0; exit",
        "unknown: kernel pointers in map values; special-field@5", maps="K"),
    Row("before a kernel pointer at a place that varies",
        "r6 = *(u32 *)(r1 +8); r6 &= 4; r2 = map[0][0]+0; r2 += r6; r0 = *(u32 *)(r2 +0); "
        "r0 = 0; exit",
        "safe", maps="K"),
    Row("a kernel pointer for a key",
        "r2 = map[0][0]+0; r2 += 8; r1 = map[1]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "unknown: kernel pointers in map values; special-field@5", maps="K H8"),
    Row("before a kernel pointer for a key",
        "r2 = map[0][0]+0; r1 = map[1]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe", maps="K H8"),
)  # fmt: skip
