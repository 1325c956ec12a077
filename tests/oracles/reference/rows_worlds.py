"""What a witness has to bring about, metadata, sockets, and what helpers give."""

from __future__ import annotations

from tests.oracles.reference.rows import Row

METADATA = "r2 = *(u32 *)(r1 +8); r3 = *(u32 *)(r1 +0); r0 = r2; r0 += {}; if r0 > r3 goto pc+{}; "
"""R2 points to an XDP packet's metadata, R3 behind it, of which so much is there at the fall-through."""

ROWS = (
    Row("overwrite a slot beside a pointer's",
        "*(u64 *)(r10 -16) = r10; *(u32 *)(r10 -8) = 0; r0 = 0; exit",
        "safe", type_="socket_filter", privileged=False),
    Row("overwrite another byte of a pointer",
        "*(u64 *)(r10 -8) = r10; *(u8 *)(r10 -1) = 0; r0 = 0; exit",
        "safe; pointer-leak@1", type_="socket_filter", privileged=False),
    Row("what is left of an overwritten pointer",
        "*(u64 *)(r10 -8) = r10; *(u8 *)(r10 -8) = 5; r2 = *(u8 *)(r10 -8); if r2 == 5 goto pc+1; r0 = "
        "*(u8 *)(r9 +0); "
        "r0 = 0; exit",
        "safe"),
    Row("a pointer overwritten is a number",
        "*(u64 *)(r10 -8) = r10; *(u64 *)(r10 -8) = 5; r2 = *(u64 *)(r10 -8); if r2 == 5 goto pc+1; r0 = "
        "*(u8 *)(r9 +0); "
        "r0 = 0; exit",
        "safe"),
    Row("back edge to the first",
        "r0 = 0; if r1 == 0 goto pc-2; exit",
        "safe; back-edge@1; pointer-comparison@1", type_="socket_filter", privileged=False),
    Row("two ways to one place are no loop",
        "r0 = 0; if r0 == 1 goto pc+1; r0 = 2; exit",
        "safe", type_="socket_filter", privileged=False),
    Row("a run's own stores are read back",
        "r9 = map[0][0]+0; *(u32 *)(r9 +0) = 0x01020304; r1 = *(u8 *)(r9 +1); r2 = *(u8 *)(r9 +5); r1 += r2; "
        "if r1 != 9 goto pc+2; r9 += r1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe map-value-bounds@8", maps="V"),
    Row("a run reads the same twice",
        "r9 = map[0][0]+0; r1 = *(u16 *)(r9 +2); r2 = *(u8 *)(r9 +3); r3 = r1; r3 >>= 8; r3 += r2; "
        "if r3 != 20 goto pc+2; r9 += r3; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe map-value-bounds@9", maps="V"),
    Row("a run reads the same by key",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 "
        "goto pc+13; "
        "r7 = r0; *(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+5; r1 = *(u8 *)(r7 +2); r2 = *(u16 *)(r0 +2); r2 >>= 8; r1 += r2; r0 += r1; "
        "if r1 != 30 goto pc+1; r0 = *(u8 *)(r0 +0); r0 = 0; exit",
        "unsafe map-value-bounds@21", maps="H"),
    Row("packet bytes by two ways",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 16; if r4 > r3 goto pc+7; r5 = *(u8 "
        "*)(r2 +3); "
        "r6 = r5; r6 &= 7; r7 = r2; r7 += r6; r8 = *(u8 *)(r7 +0); if r8 != 9 goto pc+1; r0 = *(u8 *)(r2 "
        "+16); r0 = 0; "
        "exit",
        "unsafe packet-bounds@12"),
    Row("packet as key",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 16; if r4 > r3 goto pc+7; r1 = map[0]; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+1; r0 = *(u8 *)(r0 +8); r0 = 0; exit; r0 = 0; exit",
        "unsafe map-value-bounds@9", maps="H"),
    Row("packet as key beyond",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 16; if r4 > r3 goto pc+7; r2 += 13; "
        "r1 = map[0]; "
        "call bpf_map_lookup_elem#1; if r0 == 0 goto pc+1; r0 = *(u8 *)(r0 +0); r0 = 0; exit",
        "unsafe packet-bounds@8", maps="H"),
    Row("value as key",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 "
        "goto pc+4; "
        "r2 = r0; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = 0; exit",
        "safe", maps="H"),
    Row("len is the packet's",
        "r7 = *(u32 *)(r1 +0); if r7 != 100 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@2"),
    Row("packet length from its ends",
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r3 -= r2; if r3 != 77 goto pc+1; r0 = *(u8 *)(r9 "
        "+0); r0 = 0; "
        "exit",
        "unsafe uninitialised-register@4"),
    Row("xdp length",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r3 -= r2; if r3 != 77 goto pc+1; r0 = *(u8 *)(r9 +0); "
        "r0 = 0; exit",
        "unsafe uninitialised-register@4", type_="xdp"),
    Row("short packets are no test runs",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r3 -= r2; if r3 > 13 goto pc+1; r0 = *(u8 *)(r9 +0); "
        "r0 = 0; exit",
        "unsafe uninitialised-register@4", type_="xdp"),
    Row("long packets",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r3 -= r2; if r3 < 2049 goto pc+1; r0 = *(u8 *)(r9 "
        "+0); r0 = 0; "
        "exit",
        "unknown: uninitialised-register at instruction 4: no witness replays", type_="xdp"),
    Row("longest packets",
        "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r3 -= r2; if r3 <= 0x100000 goto pc+1; r0 = *(u8 "
        "*)(r9 +0); r0 = 0; "
        "exit",
        "safe", type_="xdp"),
    Row("metadata",
        "r2 = *(u32 *)(r1 +8); r3 = *(u32 *)(r1 +0); r4 = r2; r4 += 4; if r4 > r3 goto pc+1; r0 = *(u32 "
        "*)(r2 +0); "
        "r0 = 0; exit",
        "safe", type_="xdp"),
    Row("metadata before its place",
        "r2 = *(u32 *)(r1 +8); r3 = *(u32 *)(r1 +0); r4 = r2; r4 += 4; if r4 > r3 goto pc+1; r0 = *(u32 "
        "*)(r2 -1); "
        "r0 = 0; exit",
        "unsafe packet-bounds@5", type_="xdp"),
    Row("metadata is not longer",
        "r2 = *(u32 *)(r1 +8); r3 = *(u32 *)(r1 +0); r3 -= r2; if r3 <= 255 goto pc+1; r0 = *(u8 *)(r9 "
        "+0); r0 = 0; "
        "exit",
        "safe", type_="xdp"),
    Row("socket given to a helper",
        "r1 = *(u64 *)(r1 +168); if r1 == 0 goto pc+1; call bpf_sk_fullsock#95; r0 = 0; exit", "safe"),
    Row("socket maybe null given to a helper",
        "r1 = *(u64 *)(r1 +168); call bpf_sk_fullsock#95; r0 = 0; exit",
        "unsafe helper-argument@1; null-check@1"),
    Row("no socket given to a helper",
        "call bpf_sk_fullsock#95; r0 = 0; exit",
        "unsafe helper-argument@0"),
    Row("socket moved given to a helper",
        "r1 = *(u64 *)(r1 +168); if r1 == 0 goto pc+2; r1 += 4; call bpf_sk_fullsock#95; r0 = 0; exit",
        "safe; pointer-arithmetic@2; helper-argument@3"),
    Row("a full socket",
        "r1 = *(u64 *)(r1 +168); if r1 == 0 goto pc+3; call bpf_sk_fullsock#95; if r0 == 0 goto pc+1; "
        "r0 = *(u32 *)(r0 +16); r0 = 0; exit",
        "safe"),
    Row("a tcp socket",
        "r1 = *(u64 *)(r1 +168); if r1 == 0 goto pc+3; call bpf_tcp_sock#96; if r0 == 0 goto pc+1; r0 = "
        "*(u32 *)(r0 +0); "
        "r0 = 0; exit",
        "safe"),
    Row("socket looked up",
        "*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = 0; r5 = 0; "
        "call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+2; r1 = r0; call bpf_sk_release#86; r0 = 0; exit",
        "safe"),
    Row("socket looked up and kept",
        "*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = 0; r5 = 0; "
        "call bpf_sk_lookup_tcp#84; if r0 == 0 goto pc+0; r0 = 0; exit",
        "unsafe unreleased-reference@10"),
    Row("socket of the context released",
        "r1 = *(u64 *)(r1 +168); if r1 == 0 goto pc+1; call bpf_sk_release#86; r0 = 0; exit",
        "unsafe release-unreferenced@2"),
    Row("mtu result",
        "*(u32 *)(r10 -4) = 0; r2 = 0; r3 = r10; r3 += -4; r4 = 0; r5 = 0; call bpf_check_mtu#163; "
        "r1 = *(u32 *)(r10 -4); if r1 == 0 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@9"),
    Row("mtu unwritten",
        "r2 = 0; r3 = r10; r3 += -4; r4 = 0; r5 = 0; call bpf_check_mtu#163; r0 = 0; exit",
        "safe; uninitialised-stack@5 before 6.1"),
    Row("mtu beyond",
        "r2 = 0; r3 = r10; r3 += -3; r4 = 0; r5 = 0; call bpf_check_mtu#163; r0 = 0; exit",
        "unknown: stack-bounds at instruction 5: no witness replays; misaligned@5"),
    Row("storage",
        "r1 = map[0]; r2 = 0; call bpf_get_local_storage#81; r0 = *(u64 *)(r0 +0); r0 = 1; exit",
        "safe", maps="CS", type_="cgroup_skb"),
    Row("storage flags",
        "r1 = map[0]; r2 = 1; call bpf_get_local_storage#81; r0 = *(u64 *)(r0 +0); r0 = 1; exit",
        "safe; helper-argument@3", maps="CS", type_="cgroup_skb"),
    Row("storage beyond",
        "r1 = map[0]; r2 = 0; call bpf_get_local_storage#81; r0 = *(u64 *)(r0 +1); r0 = 1; exit",
        "unsafe map-value-bounds@4", maps="CS", type_="cgroup_skb"),
    Row("string from the kernel",
        "r1 = r10; r1 += -16; r2 = 16; r3 = 0; call bpf_probe_read_kernel_str#115; if r0 s<= 16 goto pc+1; "
        "r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "safe", type_="kprobe"),
    Row("string from the kernel, an error",
        "r1 = r10; r1 += -16; r2 = 16; r3 = 0; call bpf_probe_read_kernel_str#115; if r0 s>= -4095 goto "
        "pc+1; "
        "r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "safe", type_="kprobe"),
    Row("string from the kernel, short",
        "r1 = r10; r1 += -16; r2 = 16; r3 = 0; call bpf_probe_read_kernel_str#115; if r0 s<= 15 goto pc+1; "
        "r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@6", type_="kprobe"),
    Row("GPL only",
        "r1 = r10; r1 += -16; r2 = 16; r3 = 0; call bpf_probe_read_kernel_str#115; r0 = 0; exit",
        "safe; helper-gpl-only@4", type_="kprobe", license="Proprietary"),
    Row("a map that tracing may not have", "r1 = map[0]; r0 = 0; exit", "safe; map-program@0", maps="L",
        type_="kprobe"),
    Row("a map that tracing may not have, and does not name", "r1 = map[0]; r0 = 0; exit", "safe", maps="V L",
        type_="kprobe"),
    Row("a map that tracing may not have, named last", "r1 = map[0]; r2 = map[1]; r0 = 0; exit",
        "safe; map-program@2", maps="V L", type_="kprobe"),
    Row("socket from a map",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 "
        "goto pc+3; r1 = r0; "
        "r2 = *(u32 *)(r0 +16); call bpf_sk_release#86; r0 = 0; exit",
        "safe", maps="S"),
    Row("socket of packets",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 "
        "goto pc+1; "
        "r0 = *(u32 *)(r0 +0); r0 = 0; exit",
        "safe", maps="X", type_="xdp"),
    Row("socket of packets beyond",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 "
        "goto pc+1; "
        "r0 = *(u32 *)(r0 +4); r0 = 0; exit",
        "unsafe socket-access@7", maps="X", type_="xdp"),
    Row("before the metadata", "r2 = *(u32 *)(r1 +8); r0 = *(u8 *)(r2 -1); r0 = 0; exit",
        "unsafe packet-bounds@1", type_="xdp"),
    Row("metadata that is there", f"{METADATA.format(8, 1)}r0 = *(u64 *)(r2 +0); r0 = 0; exit", "safe",
        type_="xdp"),
    Row("metadata beyond", f"{METADATA.format(8, 1)}r0 = *(u8 *)(r2 +8); r0 = 0; exit",
        "unsafe packet-bounds@5", type_="xdp"),
    Row("metadata is a multiple of four bytes", f"{METADATA.format(5, 1)}r0 = *(u64 *)(r2 +0); r0 = 0; exit",
        "safe", type_="xdp"),
    Row("what metadata holds",
        f"{METADATA.format(1, 4)}r0 = *(u32 *)(r2 +0); if r0 != 0x12345678 goto pc+2; r4 = *(u8 *)(r2 +1); "
        "r0 = *(u8 *)(r9 +0); r0 = 0; exit", "unsafe uninitialised-register@8", type_="xdp"),
    Row("what the packet behind metadata holds",
        "r2 = *(u32 *)(r1 +8); r3 = *(u32 *)(r1 +0); r4 = *(u32 *)(r1 +4); r0 = r3; r0 += 2; "
        "if r0 > r4 goto pc+5; if r2 == r3 goto pc+4; r0 = *(u8 *)(r3 +1); if r0 != 7 goto pc+2; r0 = 0; "
        "r0 = *(u8 *)(r9 +0); r0 = 0; exit", "unsafe uninitialised-register@10", type_="xdp"),
    Row("metadata of a buffer", "r2 = *(u32 *)(r1 +140); r0 = *(u8 *)(r2 -1); r0 = 0; exit",
        "unsafe packet-bounds@1"),
    Row("a context's field after one that was stored",
        "*(u32 *)(r1 +48) = 1; r6 = *(u32 *)(r1 +52); if r6 != 5 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@3; context-access@0 before 6.3"),
    Row("a context's field before one that was stored",
        "*(u32 *)(r1 +52) = 1; r6 = *(u32 *)(r1 +48); if r6 != 5 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@3; context-access@0 before 6.3"),
    Row("all bytes of the context",
        "r6 = *(u32 *)(r1 +8); if r6 != 0x01020304 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@2"),
    Row("a null that was moved is a number",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 += 8; if r0 "
        "!= 8 goto pc+1; "
        "r0 = *(u8 *)(r9 +0); r0 = 0; exit",
        "unsafe uninitialised-register@8; pointer-arithmetic@6", maps="H"),
    Row("a helper reads as much as there is",
        "*(u64 *)(r10 -8) = 0; r6 = *(u32 *)(r1 +8); r6 &= 8; r1 = r10; r1 += -8; r2 = r6; r3 = 0; r4 = 0; "
        "r5 = 0; "
        "call bpf_csum_diff#28; r0 = 0; exit",
        "safe"),
    Row("a helper may read more than was written",
        "*(u64 *)(r10 -16) = 0; r6 = *(u32 *)(r1 +8); r6 &= 12; r1 = r10; r1 += -16; r2 = r6; r3 = 0; r4 = "
        "0; r5 = 0; "
        "call bpf_csum_diff#28; r0 = 0; exit",
        "safe; uninitialised-stack@9 before 6.1"),
)  # fmt: skip
