"""Rows for loads, stores, atomics, maps, the context, the packet and the arena."""

from __future__ import annotations

from ebpf import rules
from ebpf.program_types import ProgramType
from tests.contract.rows import ARENA, ARRAY, CONSTANT, HASH, SINK, WORDS, Returns, Row, Traps

_SLOT = "r1 = 0x8182838485868788; *(u64 *)(r10 -8) = r1; "
"""Bytes 88 87 86 ... 81 at R10 - 8."""

STACK = (
    Row("u8", _SLOT + "r0 = *(u8 *)(r10 -8); exit", Returns(0x88)),
    Row("u16", _SLOT + "r0 = *(u16 *)(r10 -8); exit", Returns(0x8788)),
    Row("u32", _SLOT + "r0 = *(u32 *)(r10 -8); exit", Returns(0x85868788)),
    Row("u64", _SLOT + "r0 = *(u64 *)(r10 -8); exit", Returns(0x8182838485868788)),
    Row("u8, last byte", _SLOT + "r0 = *(u8 *)(r10 -1); exit", Returns(0x81)),
    Row("s8", _SLOT + "r0 = *(s8 *)(r10 -8); exit", Returns(0xFFFF_FFFF_FFFF_FF88)),
    Row("s16", _SLOT + "r0 = *(s16 *)(r10 -8); exit", Returns(0xFFFF_FFFF_FFFF_8788)),
    Row("s32", _SLOT + "r0 = *(s32 *)(r10 -8); exit", Returns(0xFFFF_FFFF_8586_8788)),
    Row("s8 of a positive byte", "*(u8 *)(r10 -1) = 127; r0 = *(s8 *)(r10 -1); exit", Returns(127)),
    Row("s32 of a positive word", "*(u32 *)(r10 -4) = 2147483647; r0 = *(s32 *)(r10 -4); exit", Returns(0x7FFF_FFFF)),
    Row("st8 truncates", _SLOT + "*(u8 *)(r10 -8) = -1; r0 = *(u64 *)(r10 -8); exit", Returns(0x81828384858687FF)),
    Row("st16 truncates", _SLOT + "*(u16 *)(r10 -8) = -2; r0 = *(u64 *)(r10 -8); exit", Returns(0x818283848586FFFE)),
    Row("st32", _SLOT + "*(u32 *)(r10 -8) = -2; r0 = *(u64 *)(r10 -8); exit", Returns(0x81828384FFFFFFFE)),
    Row("st64 sign-extends", "*(u64 *)(r10 -8) = -2; r0 = *(u64 *)(r10 -8); exit", Returns(0xFFFF_FFFF_FFFF_FFFE)),
    Row("stx8", _SLOT + "r2 = 0x1ff; *(u8 *)(r10 -1) = r2; r0 = *(u64 *)(r10 -8); exit", Returns(0xFF82838485868788)),
    Row("stx16", _SLOT + "r2 = 0x11234; *(u16 *)(r10 -2) = r2; r0 = *(u64 *)(r10 -8); exit", Returns(0x1234838485868788)),
    Row("stx32", _SLOT + "r2 = -1; *(u32 *)(r10 -4) = r2; r0 = *(u64 *)(r10 -8); exit", Returns(0xFFFFFFFF85868788)),
    Row("the lowest slot", "*(u64 *)(r10 -512) = 5; r0 = *(u64 *)(r10 -512); exit", Returns(5)),
    Row("a spilled pointer", "*(u64 *)(r10 -8) = r10; r1 = *(u64 *)(r10 -8); *(u64 *)(r1 -16) = 3; r0 = *(u64 *)(r10 -16); exit",
        Returns(3)),
    Row("pointer minus pointer", "r0 = r10; r1 = r10; r1 += -24; r0 -= r1; exit", Returns(24)),
    Row("number plus pointer", "*(u8 *)(r10 -3) = 9; r1 = -3; r1 += r10; r0 = *(u8 *)(r1 +0); exit", Returns(9)),
    Row("pointer minus number", "*(u8 *)(r10 -3) = 9; r1 = r10; r1 -= 3; r0 = *(u8 *)(r1 +0); exit", Returns(9)),
    Row("pointer minus register", "*(u8 *)(r10 -3) = 9; r1 = r10; r2 = 3; r1 -= r2; r0 = *(u8 *)(r1 +0); exit", Returns(9)),
    Row("a masked pointer is a number", "r1 = r10; r1 &= -1; r0 = *(u8 *)(r1 -8); exit", Traps(rules.SCALAR_DEREFERENCE, 2)),
    Row("above the frame", "*(u8 *)(r10 +0) = 1; r0 = 0; exit", Traps(rules.STACK_BOUNDS, 0)),
    Row("across the frame's end", "*(u32 *)(r10 -3) = 1; r0 = 0; exit", Traps(rules.STACK_BOUNDS, 0)),
    Row("below the frame", "r0 = *(u8 *)(r10 -513); exit", Traps(rules.STACK_BOUNDS, 0)),
    Row("a register as offset", "r1 = r10; r2 = -600; r1 += r2; *(u8 *)(r1 +0) = 1; r0 = 0; exit", Traps(rules.STACK_BOUNDS, 3)),
    Row("uninitialised stack", "r0 = *(u64 *)(r10 -8); exit", Traps(rules.UNINITIALISED_STACK, 0), privileged=False),
    Row("partly initialised stack", "*(u32 *)(r10 -8) = 1; r0 = *(u64 *)(r10 -8); exit", Traps(rules.UNINITIALISED_STACK, 1),
        privileged=False),
    Row("null", "r1 = 0; r0 = *(u8 *)(r1 +0); exit", Traps(rules.NULL_DEREFERENCE, 1)),
    Row("a number", "r1 = 4096; r0 = *(u8 *)(r1 +0); exit", Traps(rules.SCALAR_DEREFERENCE, 1)),
    Row("a store to a number", "r1 = 4096; *(u8 *)(r1 +0) = 1; exit", Traps(rules.SCALAR_DEREFERENCE, 1)),
    Row("half a pointer", "r1 = r10; w1 = w1; r0 = *(u8 *)(r1 -8); exit", Traps(rules.SCALAR_DEREFERENCE, 2)),
    Row("an uninitialised register stored", "*(u64 *)(r10 -8) = r2; r0 = 0; exit", Traps(rules.UNINITIALISED_REGISTER, 0)),
    Row("through an uninitialised register", "r0 = *(u64 *)(r2 +0); exit", Traps(rules.UNINITIALISED_REGISTER, 0)),
)  # fmt: skip

_HELD = "r1 = 0x100000005; *(u64 *)(r10 -8) = r1; r2 = 0xf0000000a; "
_W, _DW = "(u32 *)(r10 -8)", "(u64 *)(r10 -8)"
_MEMORY = "; r0 = *(u64 *)(r10 -8); exit"
_FETCHED = "; r0 = r2; exit"

ATOMIC = (
    *(
        row
        for sign, name, narrow, wide in (
            ("+=", "add", 0x1_0000_000F, 0x10_0000_000F),
            ("|=", "or", 0x1_0000_000F, 0xF_0000_000F),
            ("&=", "and", 0x1_0000_0000, 0x1_0000_0000),
            ("^=", "xor", 0x1_0000_000F, 0xE_0000_000F),
        )
        for row in (
            Row(f"lock {name}32", f"{_HELD}lock *{_W} {sign} r2{_MEMORY}", Returns(narrow)),
            Row(f"lock {name}64", f"{_HELD}lock *{_DW} {sign} r2{_MEMORY}", Returns(wide)),
            Row(f"fetch_{name}32 memory", f"{_HELD}r2 = atomic_fetch_{name}({_W}, r2){_MEMORY}", Returns(narrow)),
            Row(f"fetch_{name}64 memory", f"{_HELD}r2 = atomic64_fetch_{name}({_DW}, r2){_MEMORY}", Returns(wide)),
            Row(f"fetch_{name}32 register", f"{_HELD}r2 = atomic_fetch_{name}({_W}, r2){_FETCHED}", Returns(5)),
            Row(f"fetch_{name}64 register", f"{_HELD}r2 = atomic64_fetch_{name}({_DW}, r2){_FETCHED}", Returns(0x1_0000_0005)),
        )
    ),
    Row("lock add32 leaves the register", f"{_HELD}lock *{_W} += r2{_FETCHED}", Returns(0xF_0000_000A)),
    Row("lock xor64 leaves the register", f"{_HELD}lock *{_DW} ^= r2{_FETCHED}", Returns(0xF_0000_000A)),
    Row("a fetch from a register never written", "*(u64 *)(r10 -8) = 1; r3 = atomic64_xchg((u64 *)(r10 -8), r3); r0 = 0; exit",
        Traps(rules.UNINITIALISED_REGISTER, 1)),
    Row("a store of a register never written", "store_release((u64 *)(r10 -8), r3); r0 = 0; exit",
        Traps(rules.UNINITIALISED_REGISTER, 0)),
    Row("xchg32 memory", f"{_HELD}r2 = atomic_xchg({_W}, r2){_MEMORY}", Returns(0x1_0000_000A)),
    Row("xchg32 register", f"{_HELD}r2 = atomic_xchg({_W}, r2){_FETCHED}", Returns(5)),
    Row("xchg64 memory", f"{_HELD}r2 = atomic64_xchg({_DW}, r2){_MEMORY}", Returns(0xF_0000_000A)),
    Row("xchg64 register", f"{_HELD}r2 = atomic64_xchg({_DW}, r2){_FETCHED}", Returns(0x1_0000_0005)),
    Row("cmpxchg32 equal: memory", f"{_HELD}r0 = 0x7700000005; r0 = atomic_cmpxchg({_W}, r0, r2){_MEMORY}", Returns(0x1_0000_000A)),
    Row("cmpxchg32 equal: R0 is zero-extended", f"{_HELD}r0 = 0x7700000005; r0 = atomic_cmpxchg({_W}, r0, r2); exit", Returns(5)),
    Row("cmpxchg32 unequal: memory", f"{_HELD}r0 = 6; r0 = atomic_cmpxchg({_W}, r0, r2){_MEMORY}", Returns(0x1_0000_0005)),
    Row("cmpxchg32 unequal: R0 is zero-extended", f"{_HELD}r0 = 0x7700000006; r0 = atomic_cmpxchg({_W}, r0, r2); exit", Returns(5)),
    Row("cmpxchg64 equal: memory", f"{_HELD}r0 = r1; r0 = atomic64_cmpxchg({_DW}, r0, r2){_MEMORY}", Returns(0xF_0000_000A)),
    Row("cmpxchg64 low half equal", f"{_HELD}r0 = 5; r0 = atomic64_cmpxchg({_DW}, r0, r2){_MEMORY}", Returns(0x1_0000_0005)),
    Row("cmpxchg64 unequal: R0", f"{_HELD}r0 = 5; r0 = atomic64_cmpxchg({_DW}, r0, r2); exit", Returns(0x1_0000_0005)),
    Row("load_acquire 8", _SLOT + "r0 = load_acquire((u8 *)(r10 -8)); exit", Returns(0x88)),
    Row("load_acquire 16", _SLOT + "r0 = load_acquire((u16 *)(r10 -8)); exit", Returns(0x8788)),
    Row("load_acquire 32", _SLOT + "r0 = load_acquire((u32 *)(r10 -8)); exit", Returns(0x85868788)),
    Row("load_acquire 64", _SLOT + "r0 = load_acquire((u64 *)(r10 -8)); exit", Returns(0x8182838485868788)),
    Row("store_release 8", _SLOT + "r2 = 0x1ff; store_release((u8 *)(r10 -1), r2)" + _MEMORY, Returns(0xFF82838485868788)),
    Row("store_release 16", _SLOT + "r2 = 0x1ffff; store_release((u16 *)(r10 -2), r2)" + _MEMORY, Returns(0xFFFF838485868788)),
    Row("store_release 32", _SLOT + "r2 = -1; store_release((u32 *)(r10 -8), r2)" + _MEMORY, Returns(0x81828384FFFFFFFF)),
    Row("store_release 64", _SLOT + "r2 = 3; store_release((u64 *)(r10 -8), r2)" + _MEMORY, Returns(3)),
    Row("a pointer through store_release", "store_release((u64 *)(r10 -8), r10); r1 = load_acquire((u64 *)(r10 -8)); r0 = 0; "
        "*(u64 *)(r1 -16) = 6; r0 = *(u64 *)(r10 -16); exit", Returns(6)),
    Row("atomic out of bounds", "r1 = 1; lock *(u64 *)(r10 +0) += r1; r0 = 0; exit", Traps(rules.STACK_BOUNDS, 1)),
    Row("atomic, misaligned", _HELD + "lock *(u32 *)(r10 -6) += r2; r0 = 0; exit", Traps(rules.MISALIGNED, 5)),
    Row("atomic on the context", "r2 = 1; lock *(u32 *)(r1 +48) += r2; r0 = 0; exit", Traps(rules.ATOMIC_TARGET, 1)),
    Row("cmpxchg without R0", "*(u64 *)(r10 -8) = 1; r2 = 1; r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r2); exit",
        Traps(rules.UNINITIALISED_REGISTER, 2)),
)  # fmt: skip

_KEY = "*(u32 *)(r10 -4) = {}; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
_VALUE = _KEY + "if r0 == 0 goto pc+1; "
_NEW = "*(u64 *)(r10 -16) = 77; r3 = r10; r3 += -16; r4 = {}; call bpf_map_update_elem#2; exit"
_UPDATE = "*(u32 *)(r10 -4) = {}; r2 = r10; r2 += -4; r1 = map[0]; " + _NEW
_ERRNO = {name: (1 << 64) - number for name, number in (("ENOENT", 2), ("E2BIG", 7), ("EEXIST", 17), ("EINVAL", 22))}

MAPS = (
    Row("lookup", _VALUE.format(0) + "r0 = *(u64 *)(r0 +8); exit", Returns(0x100F0E0D0C0B0A09), (ARRAY,)),
    Row("lookup of an element that was not filled", _VALUE.format(1) + "r0 = *(u64 *)(r0 +8); exit", Returns(0), (ARRAY,)),
    Row("lookup beyond the last element", _KEY.format(2) + "exit", Returns(0), (ARRAY,)),
    Row("lookup of a key that is not there", _KEY.format(1) + "exit", Returns(0), (HASH,)),
    Row("lookup in a hash", _VALUE.format(0) + "r0 = *(u8 *)(r0 +0); exit", Returns(7), (HASH,)),
    Row("a store is seen", _VALUE.format(0) + "*(u8 *)(r0 +3) = 99; r0 = *(u32 *)(r0 +0); exit", Returns(0x63030201), (ARRAY,)),
    Row("null is used", _KEY.format(2) + "r0 = *(u8 *)(r0 +0); exit", Traps(rules.NULL_DEREFERENCE, 6), (ARRAY,)),
    Row("behind the value", _VALUE.format(0) + "r0 = *(u64 *)(r0 +9); exit", Traps(rules.MAP_VALUE_BOUNDS, 7), (ARRAY,)),
    Row("before the value", _VALUE.format(0) + "r0 = *(u8 *)(r0 -1); exit", Traps(rules.MAP_VALUE_BOUNDS, 7), (ARRAY,)),
    Row("a read-only map is written", _VALUE.format(0) + "*(u8 *)(r0 +0) = 1; exit", Traps(rules.READ_ONLY, 7), (CONSTANT,)),
    Row("a write-only map is read", _VALUE.format(0) + "r0 = *(u8 *)(r0 +0); exit", Traps(rules.WRITE_ONLY, 7), (SINK,)),
    Row("a write-only map is written", _VALUE.format(0) + "*(u8 *)(r0 +0) = 1; r0 = 3; exit", Returns(3), (SINK,)),
    Row("a direct value", "r1 = map[0][0]+8; r0 = *(u8 *)(r1 +1); exit", Returns(0x0A), (ARRAY,)),
    Row("behind a direct value", "r1 = map[0][0]+8; r0 = *(u64 *)(r1 +1); exit", Traps(rules.MAP_VALUE_BOUNDS, 2), (ARRAY,)),
    Row("update of an array, ANY", _UPDATE.format(1, 0), Returns(0), (WORDS,)),
    Row("update of an array, NOEXIST", _UPDATE.format(1, 1), Returns(_ERRNO["EEXIST"]), (WORDS,)),
    Row("update of an array, EXIST", _UPDATE.format(1, 2), Returns(0), (WORDS,)),
    Row("update behind the array", _UPDATE.format(2, 0), Returns(_ERRNO["E2BIG"]), (WORDS,)),
    Row("update of a hash, EXIST", _UPDATE.format(0, 2), Returns(0), (HASH,)),
    Row("update of a hash, NOEXIST", _UPDATE.format(0, 1), Returns(_ERRNO["EEXIST"]), (HASH,)),
    Row("update of a hash without that key, EXIST", _UPDATE.format(1, 2), Returns(_ERRNO["ENOENT"]), (HASH,)),
    Row("update of a full hash", _UPDATE.format(1, 0), Returns(_ERRNO["E2BIG"]), (HASH,)),
    Row("delete", "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_delete_elem#3; exit", Returns(0), (HASH,)),
    Row("delete a key that is not there", "*(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_delete_elem#3; exit",
        Returns(_ERRNO["ENOENT"]), (HASH,)),
    Row("delete from an array", "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_delete_elem#3; exit",
        Returns(_ERRNO["EINVAL"]), (ARRAY,)),
    Row("R1 is no map", "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = 5; call bpf_map_lookup_elem#1; exit",
        Traps(rules.HELPER_ARGUMENT, 4), (ARRAY,)),
    Row("the key is no pointer", "r2 = 5; r1 = map[0]; call bpf_map_lookup_elem#1; exit",
        Traps(rules.HELPER_ARGUMENT, 3), (ARRAY,)),
    Row("the key leaves the stack", "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -3; r1 = map[0]; call bpf_map_lookup_elem#1; exit",
        Traps(rules.STACK_BOUNDS, 5), (ARRAY,)),
    Row("the key was never written", "r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; exit",
        Traps(rules.UNINITIALISED_STACK, 4), (ARRAY,), privileged=False),
)  # fmt: skip

_CTX = bytes(8) + (0x11223344).to_bytes(4, "little") + bytes(36) + bytes(range(1, 21))
CONTEXT = (
    Row("len", "r0 = *(u32 *)(r1 +0); exit", Returns(64)),
    Row("mark", "r0 = *(u32 *)(r1 +8); exit", Returns(0x11223344), context=_CTX),
    Row("half of mark", "r0 = *(u16 *)(r1 +10); exit", Returns(0x1122), context=_CTX),
    Row("a byte of mark", "r0 = *(u8 *)(r1 +9); exit", Returns(0x33), context=_CTX),
    Row("two words of cb", "r0 = *(u64 *)(r1 +48); exit", Returns(0x0807060504030201), context=_CTX),
    Row("cb is written and read", "*(u16 *)(r1 +50) = 7; r0 = *(u32 *)(r1 +48); exit", Returns(0x00070201), context=_CTX),
    Row("two words of cb, misaligned", "r0 = *(u64 *)(r1 +52); exit", Traps(rules.CONTEXT_BOUNDS, 0)),
    Row("mark, misaligned", "r0 = *(u16 *)(r1 +9); exit", Traps(rules.CONTEXT_BOUNDS, 0)),
    Row("mark and its neighbour", "r0 = *(u64 *)(r1 +8); exit", Traps(rules.CONTEXT_BOUNDS, 0)),
    Row("data is hidden from a socket filter", "r0 = *(u32 *)(r1 +76); exit", Traps(rules.CONTEXT_BOUNDS, 0)),
    Row("behind the context", "r0 = *(u32 *)(r1 +192); exit", Traps(rules.CONTEXT_BOUNDS, 0)),
    Row("len is read-only", "*(u32 *)(r1 +0) = 1; r0 = 0; exit", Traps(rules.CONTEXT_BOUNDS, 0)),
    Row("mark is written by a classifier", "*(u32 *)(r1 +8) = 5; r0 = *(u32 *)(r1 +8); exit",
        Returns(5), type=ProgramType.SCHED_CLS),
    Row("half of mark is written", "*(u16 *)(r1 +8) = 5; r0 = 0; exit", Traps(rules.CONTEXT_BOUNDS, 0), type=ProgramType.SCHED_CLS),
)  # fmt: skip

_XDP = ProgramType.XDP
_ENDS = "r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r4 = r2; r4 += {}; r0 = 0; if r4 > r3 goto pc+1; "
PACKETS = (
    Row("direct", _ENDS.format(22) + "r0 = *(u64 *)(r2 +14); exit", Returns(0x8786858483828180), type=_XDP),
    Row("direct, the packet is short", _ENDS.format(79) + "r0 = *(u64 *)(r2 +14); exit", Returns(0), type=_XDP),
    Row("the whole packet", _ENDS.format(78) + "r0 = *(u8 *)(r2 +77); exit", Returns(0xBF), type=_XDP),
    Row("behind the packet", "r2 = *(u32 *)(r1 +0); r0 = *(u8 *)(r2 +78); exit", Traps(rules.PACKET_BOUNDS, 1), type=_XDP),
    Row("before the packet", "r2 = *(u32 *)(r1 +0); r0 = *(u8 *)(r2 -1); exit", Traps(rules.PACKET_BOUNDS, 1), type=_XDP),
    Row("half of data", "r0 = *(u16 *)(r1 +0); exit", Traps(rules.CONTEXT_BOUNDS, 0), type=_XDP),
    Row("xdp writes the packet", "r2 = *(u32 *)(r1 +0); *(u8 *)(r2 +3) = 5; r0 = *(u32 *)(r2 +0); exit",
        Returns(0x05000000), type=_XDP),
    Row("skb[] u8", "r6 = r1; r0 = *(u8 *)skb[3]; exit", Returns(0x83)),
    Row("skb[] u16 is big-endian", "r6 = r1; r0 = *(u16 *)skb[3]; exit", Returns(0x8384)),
    Row("skb[] u32", "r6 = r1; r0 = *(u32 *)skb[0]; exit", Returns(0x80818283)),
    Row("skb[r] u8", "r6 = r1; r2 = 1; r0 = *(u8 *)skb[r2 + 3]; exit", Returns(0x84)),
    Row("skb[r] u16", "r6 = r1; r2 = 0x7700000004; r0 = *(u16 *)skb[r2 + -1]; exit", Returns(0x8384)),
    Row("skb[r] u32", "r6 = r1; r2 = 60; r0 = *(u32 *)skb[r2 + 0]; exit", Returns(0xBCBDBEBF)),
    Row("skb[] behind the end leaves with 0", "r6 = r1; r0 = *(u32 *)skb[61]; r0 = 9; exit", Returns(0)),
    Row("skb[] from the network header", "r6 = r1; r0 = *(u8 *)skb[-1048576]; exit", Returns(0x80)),
    Row("skb[] from the link header", "r6 = r1; r0 = *(u8 *)skb[-2097137]; exit", Returns(0x81)),
    Row("skb[] before the link header", "r6 = r1; r0 = *(u8 *)skb[-2097153]; r0 = 9; exit", Returns(0)),
    Row("skb[r] counts in 32 bits", "r6 = r1; r2 = 0xfff00000; r0 = *(u8 *)skb[r2 + 1]; exit", Returns(0x81)),
    Row("skb[] is not for xdp", "r6 = r1; r0 = *(u8 *)skb[0]; exit", Traps(rules.PACKET_LOAD_CONTEXT, 1), type=_XDP),
    Row("skb[] without the context in R6", "r6 = 0; r0 = *(u8 *)skb[0]; exit", Traps(rules.PACKET_LOAD_CONTEXT, 1)),
    Row("skb[] forgets R1 to R5", "r6 = r1; r5 = 1; r0 = *(u8 *)skb[0]; r0 = r5; exit", Traps(rules.UNINITIALISED_REGISTER, 3)),
    Row("skb_load_bytes", "r2 = 2; r3 = r10; r3 += -8; r4 = 8; call bpf_skb_load_bytes#26; r0 = *(u64 *)(r10 -8); exit",
        Returns(0x8988878685848382)),
    Row("skb_load_bytes behind the end", "r2 = 60; r3 = r10; r3 += -8; r4 = 8; call bpf_skb_load_bytes#26; exit",
        Returns((1 << 64) - 14)),
    Row("skb_load_bytes of nothing", "r2 = 0; r3 = r10; r3 += -8; r4 = 0; call bpf_skb_load_bytes#26; exit",
        Traps(rules.HELPER_ARGUMENT, 4)),
)  # fmt: skip

_CAST = "r2 = addr_space_cast(r{0}, 0, 1); "
ARENAS = (
    Row("arena memory reads as zero", "r1 = map[0][0]+0; " + _CAST.format(1) + "r0 = *(u64 *)(r2 +8); exit", Returns(0), (ARENA,)),
    Row("an arena store never fails", "r1 = 0x7fff12345678; " + _CAST.format(1) + "*(u64 *)(r2 -8) = 5; r0 = 1; exit",
        Returns(1), (ARENA,)),
    Row("a cast keeps the low half", "r1 = 0x7fff12345678; " + _CAST.format(1) + "r0 = r2; exit", Returns(0x12345678), (ARENA,)),
    Row("arithmetic on arena pointers has 32 bits", "r1 = 0xffffffff; " + _CAST.format(1) + "r2 += 2; r0 = r2; exit",
        Returns(1), (ARENA,)),
    Row("and is signed where it says so", "r1 = 0xfffffff9; " + _CAST.format(1) + "r2 s/= 2; r0 = r2; exit",
        Returns(0xFFFFFFFD), (ARENA,)),
    Row("and unsigned where not", "r1 = 0xfffffff9; " + _CAST.format(1) + "r2 /= 2; r0 = r2; exit", Returns(0x7FFFFFFC), (ARENA,)),
    Row("there and back",
        "r1 = 0x7fff12345678; " + _CAST.format(1) + "r3 = addr_space_cast(r2, 1, 0); r0 = addr_space_cast(r3, 0, 1); exit",
        Returns(0x12345678), (ARENA,)),
    Row("null stays null", "r1 = 0; r0 = addr_space_cast(r1, 1, 0); exit", Returns(0), (ARENA,)),
    Row("a user address is a number", "r1 = map[0][0]+0; r0 = *(u8 *)(r1 +0); exit", Traps(rules.SCALAR_DEREFERENCE, 2), (ARENA,)),
    Row("a cast without an arena", "r1 = 0; r0 = addr_space_cast(r1, 0, 1); exit", Traps(rules.ARENA_MISSING, 1)),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*STACK, *ATOMIC, *MAPS, *CONTEXT, *PACKETS, *ARENAS)
