"""Rows for helpers: arguments against prototypes, scripted results, queues, strings, elements, packet
bytes."""

from __future__ import annotations

from ebpf import rules
from ebpf.program_types import ProgramType
from tests.contract.rows import (
    ARRAY,
    CONSTANT,
    HASH,
    NESTED,
    PACKET,
    QUEUE,
    SINK,
    STACK,
    STRING,
    WORDS,
    Returns,
    Row,
    Traps,
)

_ERRNO = {
    name: (1 << 64) - number
    for name, number in (("ENOENT", 2), ("E2BIG", 7), ("EFAULT", 14), ("EINVAL", 22), ("ERANGE", 34))
}
_XDP, _CLASSIFIER = ProgramType.XDP, ProgramType.SCHED_CLS

SCRIPTED = (
    Row("a scripted number", "call bpf_ktime_get_ns#5; exit", Returns(0x1234_5678_9ABC_DEF0),
        helpers=(0x1234_5678_9ABC_DEF0,)),
    Row("scripted numbers, in order",
        "call bpf_ktime_get_ns#5; r6 = r0; call bpf_get_prandom_u32#7; r6 <<= 8; r0 |= r6; exit",
        Returns(0x0102), helpers=(1, 2)),
    Row("what is determined takes nothing from the script",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; "
        "call bpf_map_lookup_elem#1; r6 = *(u8 *)(r0 +0); call bpf_get_prandom_u32#7; r0 += r6; exit",
        Returns(105), (ARRAY,),
        helpers=(104,)),
    Row("a scripted number below zero", "call bpf_ktime_get_ns#5; exit", Returns((1 << 64) - 1),
        helpers=(-1,)),
    Row("a lookup in an empty map of maps",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "exit",
        Returns(0), (NESTED,)),
    Row("a map of maps and the map in it",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "if r0 == 0 goto pc+7; r1 = r0; r2 = r10; r2 += -4; call bpf_map_lookup_elem#1; if r0 == 0 goto "
        "pc+2; "
        "r0 = *(u32 *)(r0 +0); "
        "exit; r0 = 9; exit", Returns(0), (NESTED,), helpers=(1,)),
    Row("null from a map of maps is no map",
        "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
        "r1 = r0; r2 = r10; r2 += -4; call bpf_map_lookup_elem#1; exit", Traps(rules.HELPER_ARGUMENT, 9),
        (NESTED,), helpers=(0,)),
)  # fmt: skip

_COMM = "call bpf_get_current_comm#16; r0 = 0; exit"
_TRACING = ProgramType.TRACEPOINT
ARGUMENTS = (
    Row("no such helper", "call unknown#9999; exit", Traps(rules.HELPER_UNKNOWN, 0)),
    Row("a buffer that leaves the stack", "r1 = r10; r1 += -4; r2 = 8; " + _COMM,
        Traps(rules.STACK_BOUNDS, 3), type=_TRACING),
    Row("a buffer that is a number", "r1 = 5; r2 = 8; " + _COMM, Traps(rules.HELPER_ARGUMENT, 2),
        type=_TRACING),
    Row("a buffer that is null", "r1 = 0; r2 = 8; " + _COMM, Traps(rules.HELPER_ARGUMENT, 2), type=_TRACING),
    Row("a buffer that is the context", "r2 = 8; " + _COMM, Traps(rules.HELPER_ARGUMENT, 1), type=_TRACING),
    Row("an argument never written", "r1 = r10; r1 += -8; " + _COMM, Traps(rules.UNINITIALISED_REGISTER, 2),
        type=_TRACING),
    Row("a buffer that is read-only", "r1 = map[0][0]+0; r2 = 8; " + _COMM, Traps(rules.READ_ONLY, 3),
        (CONSTANT,), _TRACING),
    Row("a text that may only be written", "r1 = map[0][0]+0; r2 = 8; call bpf_trace_printk#6; exit",
        Traps(rules.WRITE_ONLY, 3),
        (SINK,), _TRACING),
    Row("a buffer behind a map value", "r1 = map[0][0]+12; r2 = 8; " + _COMM,
        Traps(rules.MAP_VALUE_BOUNDS, 3), (ARRAY,), _TRACING),
    Row("null and no bytes", "r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; exit",
        Returns(5), type=_XDP,
        helpers=(5,)),
    Row("null and some bytes", "r1 = 0; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; exit",
        Traps(rules.HELPER_ARGUMENT,
        5),
        type=_XDP),
    Row("a pointer and no bytes",
        "r1 = r10; r1 += -8; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; exit", Returns(6),
        type=_XDP, helpers=(6,)),
    Row("a checksum over the packet",
        "r1 = *(u32 *)(r1 +0); r2 = 8; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; exit",
        Returns(7),
        type=_XDP, helpers=(7,)),
    Row("a checksum beyond the packet",
        "r1 = *(u32 *)(r1 +0); r2 = 80; r3 = 0; r4 = 0; r5 = 0; call bpf_csum_diff#28; exit",
        Traps(rules.PACKET_BOUNDS, 5), type=_XDP),
    Row("a helper that does not take the packet",
        "r1 = *(u32 *)(r1 +0); r2 = 8; call bpf_trace_printk#6; exit",
        Traps(rules.HELPER_ARGUMENT, 2), type=_XDP),
    Row("the context moved", "r1 += 4; call bpf_get_hash_recalc#34; exit", Traps(rules.HELPER_ARGUMENT, 1),
        type=_CLASSIFIER),
    Row("a number for a socket", "r1 = 5; call bpf_sk_fullsock#95; exit", Traps(rules.HELPER_ARGUMENT, 1),
        type=_CLASSIFIER),
    Row("a map of the wrong type",
        "r2 = r10; r2 += -8; *(u64 *)(r10 -8) = 0; r3 = 0; r1 = map[0]; call bpf_map_push_elem#87; exit",
        Traps(rules.MAP_HELPER, 6), (HASH,)),
    Row("a callback that is no function", "r1 = 1; r2 = r10; r3 = 0; r4 = 0; call bpf_loop#181; exit",
        Traps(rules.HELPER_ARGUMENT,
        4)),
    Row("a callback's context that is no stack",
        "r3 = map[0]; r1 = 1; r2 = subprog[+4]; r4 = 0; call bpf_loop#181; exit; "
        "r0 = 0; exit",
        Traps(rules.HELPER_ARGUMENT, 6), (ARRAY,)),
)  # fmt: skip

_ITEM = "*(u64 *)(r10 -8) = {}; r2 = r10; r2 += -8; r1 = map[0]; r3 = {}; call bpf_map_push_elem#87; "
_TAKE = "r2 = r10; r2 += -8; r1 = map[0]; call bpf_map_{}_elem#{}; "
_POP, _PEEK = _TAKE.format("pop", 88), _TAKE.format("peek", 89)
_TOP = "r0 = *(u64 *)(r10 -8); exit"
QUEUES = (
    Row("a queue gives the first", _ITEM.format(5, 0) + _ITEM.format(6, 0) + _POP + _TOP, Returns(5),
        (QUEUE,)),
    Row("a stack gives the last", _ITEM.format(5, 0) + _ITEM.format(6, 0) + _POP + _TOP, Returns(6),
        (STACK,)),
    Row("a queue then gives the second", _ITEM.format(5, 0) + _ITEM.format(6, 0) + _POP * 2 + _TOP,
        Returns(6), (QUEUE,)),
    Row("peek leaves it there", _ITEM.format(5, 0) + _ITEM.format(6, 0) + _PEEK + _POP + _TOP, Returns(5),
        (QUEUE,)),
    Row("a full queue", _ITEM.format(5, 0) * 3 + "exit", Returns(_ERRNO["E2BIG"]), (QUEUE,)),
    Row("a full queue forgets the first", _ITEM.format(5, 0) + _ITEM.format(6, 0) + _ITEM.format(7,
        2) + _POP + _TOP, Returns(6),
        (QUEUE,)),
    Row("an empty queue", _POP + "exit", Returns(_ERRNO["ENOENT"]), (QUEUE,)),
    Row("an empty queue clears the buffer", "*(u64 *)(r10 -8) = 7; " + _POP + _TOP, Returns(0), (QUEUE,)),
    Row("push with other flags", _ITEM.format(5, 1) + "exit", Returns(_ERRNO["EINVAL"]), (QUEUE,)),
)  # fmt: skip

_TEXT = "r1 = {:#x}; *(u64 *)(r10 -16) = r1; r1 = r10; r1 += -16; r2 = 8; r3 = {}; r4 = r10; r4 += -8; call bpf_strto{}; "


def _text(text: bytes, base: int, call: str) -> str:
    return _TEXT.format(int.from_bytes(text.ljust(8, b"\0"), "little"), base, call)


_LONG, _UNSIGNED = "l#105", "ul#106"
_COMPARE = "r1 = {:#x}; *(u64 *)(r10 -8) = r1; r1 = r10; r1 += -8; r2 = {}; r3 = map[0][0]+{}; call bpf_strncmp#182; exit"
_ABC, _ABD = (int.from_bytes(text.ljust(8, b"\0"), "little") for text in (b"abc", b"abd"))
STRINGS = (
    Row("strtol", _text(b"-42x", 10, _LONG) + _TOP, Returns((1 << 64) - 42)),
    Row("strtol: how much it understood", _text(b" -42x", 10, _LONG) + "exit", Returns(4)),
    Row("strtol: what is a space to a kernel", _text(b"\xa0\x0b7", 10, _LONG) + "exit", Returns(3)),
    Row("strtol: what is none", _text(b"\x1c7", 10, _LONG) + "exit", Returns(_ERRNO["EINVAL"])),
    Row("strtol: a next line is none", _text(b"\x857", 10, _LONG) + "exit", Returns(_ERRNO["EINVAL"])),
    Row("strtol of no number", _text(b"x", 10, _LONG) + "exit", Returns(_ERRNO["EINVAL"])),
    Row("strtol in base 7", _text(b"1", 7, _LONG) + "exit", Returns(_ERRNO["EINVAL"])),
    Row("strtoul, hexadecimal by its prefix", _text(b"0x1f", 0, _UNSIGNED) + _TOP, Returns(31)),
    Row("strtoul, octal by its prefix", _text(b"017", 0, _UNSIGNED) + _TOP, Returns(15)),
    Row("strtoul below zero", _text(b"-1", 10, _UNSIGNED) + "exit", Returns(_ERRNO["EINVAL"])),
    Row("strtol to a place that is not aligned", _text(b"1", 10, _LONG).replace("r4 += -8",
        "r4 += -12") + "exit",
        Traps(rules.MISALIGNED, 9)),
    Row("strtol to a place outside", _text(b"1", 10, _LONG).replace("r4 += -8", "r4 += 0") + "exit",
        Traps(rules.STACK_BOUNDS, 9)),
    Row("strncmp, equal", _COMPARE.format(_ABC, 8, 0), Returns(0), (STRING,)),
    Row("strncmp, less", _COMPARE.format(_ABC, 8, 1), Returns((1 << 64) - 1), (STRING,)),
    Row("strncmp, greater", _COMPARE.format(_ABD, 8, 0), Returns(1), (STRING,)),
    Row("strncmp of the first bytes only", _COMPARE.format(_ABD, 2, 0), Returns(0), (STRING,)),
    Row("strncmp with a string that has no end", _COMPARE.format(_ABC, 8, 4), Traps(rules.HELPER_ARGUMENT, 8),
        (STRING,)),
    Row("strncmp with a string that may change", _COMPARE.format(_ABC, 8, 0), Traps(rules.HELPER_ARGUMENT, 8),
        (WORDS,)),
)  # fmt: skip

_EACH = "*(u64 *)(r10 -8) = 0; r1 = map[0]; r2 = subprog[+7]; r3 = r10; r3 += -8; r4 = {}; call bpf_for_each_map_elem#164; {}; exit; "
_SUM = "r1 = *(u64 *)(r4 +0); r2 = *(u8 *)(r3 +0); r1 += r2; *(u64 *)(r4 +0) = r1; r0 = {}; exit"
ELEMENTS = (
    Row("every element is visited", _EACH.format(0, "r0 = r0") + "r0 = 0; exit", Returns(2), (ARRAY,)),
    Row("what the callback sees", _EACH.format(0, "r0 = *(u64 *)(r10 -8)") + _SUM.format(0), Returns(1),
        (ARRAY,)),
    Row("the callback stops it after one", _EACH.format(0, "r0 = r0") + _SUM.format(1), Returns(1), (ARRAY,)),
    Row("for each, flags", _EACH.format(1, "r0 = r0") + _SUM.format(0), Returns(_ERRNO["EINVAL"]), (ARRAY,)),
    Row("for each, the callback returns 2", _EACH.format(0, "r0 = r0") + _SUM.format(2),
        Traps(rules.RETURN_RANGE, 8), (ARRAY,)),
    Row("for each, behind the value", _EACH.format(0, "r0 = r0") + "r0 = *(u64 *)(r3 +9); exit",
        Traps(rules.MAP_VALUE_BOUNDS, 11),
        (ARRAY,)),
    Row("for each, the key is not written", _EACH.format(0, "r0 = r0") + "*(u8 *)(r2 +0) = 1; r0 = 0; exit",
        Traps(rules.READ_ONLY, 11), (ARRAY,)),
    Row("for each element of a hash", _EACH.format(0, "r0 = *(u64 *)(r10 -8)") + _SUM.format(0), Returns(7),
        (HASH,)),
)  # fmt: skip

_BYTES = "r6 = r1; *(u64 *)(r10 -8) = 258; r2 = {}; r3 = r10; r3 += -8; r4 = {}; "
_LENGTH = len(PACKET)
PACKET_BYTES = (
    Row("skb_store_bytes", _BYTES.format(2, 2) + "r5 = 0; call bpf_skb_store_bytes#9; r2 = *(u32 *)(r6 +76); "
        "r3 = *(u32 *)(r6 +80); "
        "r4 = r2; r4 += 8; if r4 > r3 goto pc+1; r0 = *(u16 *)(r2 +2); exit", Returns(258), type=_CLASSIFIER),
    Row("skb_store_bytes behind the end", _BYTES.format(_LENGTH - 1,
                                                        2) + "r5 = 0; call bpf_skb_store_bytes#9; exit",
        Returns(_ERRNO["EFAULT"]), type=_CLASSIFIER),
    Row("the packet from before a call that moves it", "r7 = *(u32 *)(r1 +76); " + _BYTES.format(2, 2)
        + "r5 = 0; call bpf_skb_store_bytes#9; r0 = *(u8 *)(r7 +0); exit", Traps(rules.STALE_PACKET_POINTER, 9),
        type=_CLASSIFIER),
    Row("the packet after a call that moves it",
        "r6 = r1; r2 = 0; call bpf_skb_pull_data#39; r2 = *(u32 *)(r6 +76); "
        "r0 = *(u8 *)(r2 +15); exit", Returns(0x81), type=_CLASSIFIER, helpers=(0,)),
    Row("xdp_load_bytes", _BYTES.format(14, 4) + "call bpf_xdp_load_bytes#189; r0 = *(u32 *)(r10 -8); exit",
        Returns(0x83828180),
        type=_XDP),
    Row("xdp_load_bytes behind the end", _BYTES.format(_LENGTH - 3, 4) + "call bpf_xdp_load_bytes#189; exit",
        Returns(_ERRNO["EINVAL"]), type=_XDP),
    Row("xdp_store_bytes", _BYTES.format(0,
                                         2) + "call bpf_xdp_store_bytes#190; r2 = *(u32 *)(r6 +0); r0 = "
                                              "*(u16 *)(r2 +0); exit",
        Returns(258), type=_XDP),
    Row("xdp_get_buff_len", "call bpf_xdp_get_buff_len#188; exit", Returns(_LENGTH), type=_XDP),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*SCRIPTED, *ARGUMENTS, *QUEUES, *STRINGS, *ELEMENTS, *PACKET_BYTES)
