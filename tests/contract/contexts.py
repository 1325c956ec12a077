"""Rows for contexts of other program types: what may be read and written, and what the input gives."""

from __future__ import annotations

from ebpf import rules
from ebpf.program_types import AttachType as A
from ebpf.program_types import ProgramType as T
from tests.contract.rows import PACKET, Returns, Row, Traps

_READ = "r0 = *({} *)(r1 +{}); exit"


def _given(size: int, offset: int, value: int) -> bytes:
    return bytes(offset) + value.to_bytes(4, "little") + bytes(size - offset - 4)


GIVEN = (
    Row("sock_addr: user_ip4", _READ.format("u32", 4), Returns(0x0100007F), type=T.CGROUP_SOCK_ADDR,
        attach=A.CGROUP_INET4_CONNECT,
        context=_given(72, 4, 0x0100007F)),
    Row("sock_addr: half of user_port", _READ.format("u16", 24), Returns(0x5000), type=T.CGROUP_SOCK_ADDR,
        attach=A.CGROUP_INET4_CONNECT, context=_given(72, 24, 0x5000)),
    Row("cgroup_sock: family", _READ.format("u32", 4), Returns(2), type=T.CGROUP_SOCK,
        context=_given(80, 4, 2)),
    Row("sk_lookup: local_port", _READ.format("u32", 60), Returns(80), type=T.SK_LOOKUP,
        context=_given(72, 60, 80)),
    Row("tracepoint: a word of the record", _READ.format("u32", 12), Returns(99), type=T.TRACEPOINT,
        context=_given(16, 12, 99)),
    Row("raw_tracepoint: the second argument", _READ.format("u64", 8), Returns(7), type=T.RAW_TRACEPOINT,
        context=_given(96, 8, 7)),
    Row("kprobe: a register", _READ.format("u64", 112), Returns(5), type=T.KPROBE,
        context=_given(168, 112, 5)),
    Row("perf_event: sample_period", _READ.format("u64", 168), Returns(3), type=T.PERF_EVENT,
        context=_given(184, 168, 3)),
    Row("syscall: what the caller gave", "*(u32 *)(r1 +4) = 6; r0 = *(u64 *)(r1 +0); exit",
        Returns(0x6_0000_0009), type=T.SYSCALL,
        context=_given(16, 0, 9)),
    Row("a witness gives every field", _READ.format("u32", 68), Returns(0x1234), type=T.SCHED_CLS,
        context=_given(192, 68, 0x1234)),
    Row("with a script every byte counts", _READ.format("u32", 68), Returns(0), type=T.SCHED_CLS,
        context=bytes(192), helpers=(1,)),
    Row("what is stored is read", "*(u32 *)(r1 +4) = 5; r0 = *(u32 *)(r1 +4); exit", Returns(5),
        type=T.CGROUP_SOCK_ADDR,
        attach=A.CGROUP_INET4_CONNECT),
    Row("sysctl: file_pos", "*(u32 *)(r1 +4) = 5; r0 = *(u16 *)(r1 +4); exit", Returns(5),
        type=T.CGROUP_SYSCTL),
)  # fmt: skip


def _refused(name: str, kind: T, text: str, attach: A | None = None) -> Row:
    return Row(name, text, Traps(rules.CONTEXT_BOUNDS, 0), type=kind, attach=attach)


REFUSED = (
    _refused("sock_addr: an IPv6 address for IPv4", T.CGROUP_SOCK_ADDR, _READ.format("u32", 8),
             A.CGROUP_INET4_CONNECT),
    _refused("sock_addr: family is read-only", T.CGROUP_SOCK_ADDR, "*(u32 *)(r1 +28) = 1; r0 = 0; exit",
             A.CGROUP_INET4_CONNECT),
    _refused("cgroup_sock: a byte of type from its middle", T.CGROUP_SOCK, _READ.format("u8", 9)),
    _refused("cgroup_sock: mark after binding", T.CGROUP_SOCK, _READ.format("u32", 16),
             A.CGROUP_INET4_POST_BIND),
    _refused("sk_msg is read-only", T.SK_MSG, "*(u32 *)(r1 +16) = 1; r0 = 0; exit"),
    _refused("sk_msg: half of size", T.SK_MSG, _READ.format("u16", 68)),
    _refused("sk_skb: mark", T.SK_SKB, _READ.format("u32", 8)),
    _refused("lwt: data_meta", T.LWT_IN, _READ.format("u32", 140)),
    _refused("sk_lookup is read-only", T.SK_LOOKUP, "*(u32 *)(r1 +60) = 1; r0 = 0; exit"),
    _refused("device: half of major", T.CGROUP_DEVICE, _READ.format("u16", 4)),
    _refused("tracepoint: the kernel's own first bytes", T.TRACEPOINT, _READ.format("u64", 0)),
    _refused("perf_event registers are read-only", T.PERF_EVENT, "*(u64 *)(r1 +0) = 1; r0 = 0; exit"),
    _refused("kprobe: behind the registers", T.KPROBE, _READ.format("u64", 168)),
    _refused("raw_tracepoint: misaligned", T.RAW_TRACEPOINT, _READ.format("u64", 4)),
    _refused("perf_event: half a register", T.PERF_EVENT, _READ.format("u32", 0)),
    _refused("xdp: the other device", T.XDP, _READ.format("u32", 20)),
    Row("cgroup_skb: the packet without CAP_BPF", _READ.format("u32", 76), Traps(rules.CONTEXT_BOUNDS, 0),
        type=T.CGROUP_SKB,
        privileged=False),
)  # fmt: skip

_BYTE = "r2 = *({0} *)(r1 +{1}); r3 = *({0} *)(r1 +{2}); r4 = r2; r4 += 2; r0 = 0; if r4 > r3 goto pc+1; r0 = *(u8 *)(r2 +1); exit"
PACKETS = (
    Row("cgroup_skb sees the packet behind its link header", _BYTE.format("u32", 76, 80), Returns(PACKET[15]),
        type=T.CGROUP_SKB),
    Row("lwt sees the packet behind its link header", _BYTE.format("u32", 76, 80), Returns(PACKET[15]),
        type=T.LWT_XMIT),
    Row("sk_msg sees its data", _BYTE.format("u64", 0, 8), Returns(PACKET[1]), type=T.SK_MSG),
    Row("sockopt sees the value", _BYTE.format("u64", 8, 16), Returns(PACKET[1]), type=T.CGROUP_SOCKOPT),
    Row("cgroup_skb does not write the packet", "r2 = *(u32 *)(r1 +76); *(u8 *)(r2 +0) = 1; r0 = 0; exit",
        Traps(rules.READ_ONLY,
        1),
        type=T.CGROUP_SKB),
    Row("lwt_in does not write the packet", "r2 = *(u32 *)(r1 +76); *(u8 *)(r2 +0) = 1; r0 = 0; exit",
        Traps(rules.READ_ONLY, 1),
        type=T.LWT_IN),
    Row("sk_skb writes the packet", "r2 = *(u32 *)(r1 +76); *(u8 *)(r2 +0) = 7; r0 = *(u8 *)(r2 +0); exit",
        Returns(7),
        type=T.SK_SKB),
    Row("skb[] is not for cgroup_skb", "r6 = r1; r0 = *(u8 *)skb[0]; exit",
        Traps(rules.PACKET_LOAD_CONTEXT, 1), type=T.CGROUP_SKB),
)  # fmt: skip

_METADATA = "r2 = *(u32 *)(r1 +8); r3 = *(u32 *)(r1 +0); "
_MEASURED = f"{_METADATA}r0 = r3; r0 -= r2; exit"
_FIRST = f"{_METADATA}r0 = r2; r0 += 4; if r0 > r3 goto pc+1; r0 = *(u8 *)(r2 +0); exit"


def _xdp(start: int, end: int = len(PACKET), meta: int = 0) -> bytes:
    """An XDP test run's ctx_in."""
    return b"".join(word.to_bytes(4, "little") for word in (start, end, meta))


METADATA = (
    Row("xdp: no metadata", _MEASURED, Returns(0), type=T.XDP),
    Row("xdp: metadata is as long as ctx_in says", _MEASURED, Returns(8), type=T.XDP, context=_xdp(8)),
    Row("xdp: metadata is the packet's first bytes", _FIRST, Returns(0x81), type=T.XDP, packet=PACKET[15:],
        context=_xdp(4, len(PACKET) - 15)),
    Row("xdp: the packet follows its metadata", "r2 = *(u32 *)(r1 +0); r0 = *(u8 *)(r2 +0); exit",
        Returns(0x82), type=T.XDP, context=_xdp(16)),
    Row("xdp: before the metadata", f"{_METADATA}r0 = *(u8 *)(r2 -1); exit", Traps(rules.PACKET_BOUNDS, 2),
        type=T.XDP, context=_xdp(16)),
    Row("xdp: metadata before the packet", f"{_METADATA}r0 = *(u8 *)(r3 -2); exit", Returns(0x80), type=T.XDP,
        context=_xdp(16)),
    Row("xdp: metadata is no part of the length", "call bpf_xdp_get_buff_len#188; exit",
        Returns(len(PACKET) - 12), type=T.XDP, context=_xdp(12)),
    Row("xdp: metadata of all bytes", _MEASURED, Returns(len(PACKET) - 2), type=T.XDP,
        context=_xdp(len(PACKET) - 2)),
    Row("xdp: metadata of some bytes that the kernel does not take", _MEASURED, Returns(0), type=T.XDP,
        context=_xdp(6)),
    Row("xdp: metadata beyond the end", _MEASURED, Returns(0), type=T.XDP, context=_xdp(len(PACKET) + 2)),
    Row("xdp: metadata of a packet that ends elsewhere", _MEASURED, Returns(0), type=T.XDP,
        context=_xdp(8, 60)),
    Row("xdp: metadata before metadata", _MEASURED, Returns(0), type=T.XDP, context=_xdp(8, meta=4)),
    Row("xdp: the longest metadata", _MEASURED, Returns(252), type=T.XDP, packet=bytes(300),
        context=_xdp(252, 300)),
    Row("xdp: longer metadata", _MEASURED, Returns(0), type=T.XDP, packet=bytes(300), context=_xdp(256, 300)),
    Row("sched_cls: no metadata", "r2 = *(u32 *)(r1 +140); r0 = *(u32 *)(r1 +76); r0 -= r2; exit", Returns(0),
        type=T.SCHED_CLS),
)  # fmt: skip

_SK = "r6 = *(u64 *)(r1 +{}); if r6 == 0 goto pc+2; r0 = *(u32 *)(r6 +{}); r0 = 1; exit"
SOCKETS = (
    Row("a socket of the context that is null", "r0 = *(u64 *)(r1 +168); exit", Returns(0), type=T.SCHED_CLS,
        context=bytes(192),
        helpers=(1,)),
    Row("a socket of any kind shows no type", _SK.format(168, 8), Traps(rules.SOCKET_ACCESS, 2),
        type=T.SCHED_CLS,
        context=_given(192, 168, 1)),
    Row("a full socket does not show eight bytes", "r6 = *(u64 *)(r1 +64); r0 = *(u64 *)(r6 +8); exit",
        Traps(rules.SOCKET_ACCESS,
        1),
        type=T.CGROUP_SOCK_ADDR),
    Row("a socket of the context is not written", "r6 = *(u64 *)(r1 +64); *(u32 *)(r6 +8) = 1; r0 = 0; exit",
        Traps(rules.READ_ONLY, 1), type=T.CGROUP_SOCK_ADDR),
    Row("a socket of the context is not ours to release",
        "r1 = *(u64 *)(r1 +64); call bpf_sk_release#86; r0 = 0; exit",
        Traps(rules.RELEASE_UNREFERENCED, 1), type=T.CGROUP_SOCK_ADDR, helpers=(0,)),
    Row("a socket that may be null is null", "r6 = *(u64 *)(r1 +0); r0 = *(u32 *)(r6 +4); exit",
        Traps(rules.NULL_DEREFERENCE, 1),
        type=T.SK_LOOKUP, context=bytes(72)),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*GIVEN, *REFUSED, *PACKETS, *METADATA, *SOCKETS)
