"""Contexts and sockets: by example from the kernel's is_valid_access functions, and what must hold of every
table."""

from __future__ import annotations

import pytest

from ebpf.contexts import CONTEXTS, AccessRefusal, ContextField, ContextFieldKind, ctx_access
from ebpf.program_types import AttachType as A
from ebpf.program_types import ProgramType as T
from ebpf.sockets import FIELDS, SIZES, SocketKind, socket_field


def access(
    kind: T,
    offset: int,
    size: int,
    *,
    write: bool = False,
    attach: A | None = None,
    bpf: bool = True,
    release: str = "6.12",
) -> str | None:
    found = ctx_access(kind, attach, offset, size, write, bpf, release)
    return found.name if isinstance(found, ContextField) else None


@pytest.mark.parametrize("kind", sorted(CONTEXTS), ids=lambda kind: kind.name)
def test_fields_lie_inside_and_can_be_reached(kind: T) -> None:
    layout = CONTEXTS[kind]
    assert layout.kernel_btf or layout.fields
    for field in layout.fields:
        assert field.offset >= 0
        assert field.offset + field.size <= layout.size
        for size in (*field.reads, *field.writes):
            assert size <= field.size
        attach = next(iter(field.read_attach), None) if field.read_attach else None
        offsets = [
            at for at in range(field.offset, field.offset + min(field.size, 16)) if at % field.reads[0] == 0
        ]
        assert any(access(kind, at, field.reads[0], attach=attach, release="7.3") for at in offsets)


@pytest.mark.parametrize("kind", sorted(CONTEXTS), ids=lambda kind: kind.name)
def test_nothing_outside_and_nothing_misaligned(kind: T) -> None:
    size = CONTEXTS[kind].size
    for at in (-8, -1, size, size + 8):
        for width in (1, 2, 4, 8):
            assert access(kind, at, width) is None
    for at in range(min(size, 256)):
        for width in (2, 4, 8):
            if at % width:
                assert isinstance(ctx_access(kind, None, at, width, False, True, "6.12"), AccessRefusal)


def test_every_type_has_a_context() -> None:
    assert CONTEXTS.keys() == set(T) - {T.UNSPEC}


SEEN = (T.SOCKET_FILTER, T.CGROUP_SKB, T.SCHED_CLS, T.LWT_XMIT, T.SK_SKB)


@pytest.mark.parametrize(
    ("offset", "size", "seen"),
    [
        (0, 1, (True,) * 5),  # a byte of len
        (8, 4, (True, True, True, True, False)),  # mark, hidden from sk_skb
        (48, 8, (True,) * 5),  # two words of cb
        (52, 8, (False,) * 5),  # not aligned
        (72, 4, (False, False, True, False, False)),  # tc_classid
        (76, 4, (False, True, True, True, True)),  # data
        (76, 2, (False,) * 5),
        (88, 4, (False, True, False, False, True)),  # family
        (140, 4, (False, False, True, False, False)),  # data_meta
        (144, 8, (False,) * 5),  # flow_keys
        (152, 8, (False, True, True, False, False)),  # tstamp
        (168, 8, (True,) * 5),  # sk
        (180, 1, (False, False, True, False, False)),  # tstamp_type
        (184, 8, (False, True, True, False, False)),  # hwtstamp
    ],
)
def test_socket_buffers_as_types_see_them(offset: int, size: int, seen: tuple[bool, ...]) -> None:
    """net/core/filter.c: sk_filter_, cg_skb_, tc_cls_act_, lwt_ and sk_skb_is_valid_access."""
    assert tuple(access(kind, offset, size) is not None for kind in SEEN) == seen


def test_writes_to_socket_buffers() -> None:
    """The same functions."""
    assert [access(kind, 8, 4, write=True) for kind in SEEN] == [None, "mark", "mark", "mark", None]
    assert [access(kind, 44, 4, write=True) for kind in SEEN] == [None, None, "tc_index", None, "tc_index"]
    assert [access(kind, 50, 2, write=True) for kind in SEEN] == ["cb0", "cb0", "cb0", "cb0", None]
    assert access(T.SCHED_CLS, 8, 2, write=True) is None
    assert access(T.SCHED_CLS, 0, 4, write=True) is None


def test_what_takes_a_capability() -> None:
    """net/core/filter.c: cg_skb_is_valid_access asks bpf_capable."""
    assert access(T.CGROUP_SKB, 76, 4, bpf=False) is None
    assert access(T.CGROUP_SKB, 152, 8, bpf=False) == "tstamp"
    assert access(T.CGROUP_SKB, 152, 8, write=True, bpf=False) is None
    assert access(T.CGROUP_SKB, 152, 8, write=True) == "tstamp"


def test_what_takes_an_attach_type() -> None:
    """net/core/filter.c: xdp_, sock_addr_ and __sock_filter_check_attach_type; kernel/bpf/cgroup.c:
    cg_sockopt_is_valid_access."""
    assert access(T.XDP, 20, 4) is None
    assert access(T.XDP, 20, 4, attach=A.XDP_DEVMAP) == "egress_ifindex"
    assert access(T.CGROUP_SOCK_ADDR, 4, 4, attach=A.CGROUP_INET4_CONNECT, write=True) == "user_ip4"
    assert access(T.CGROUP_SOCK_ADDR, 4, 4, attach=A.CGROUP_INET6_CONNECT) is None
    assert access(T.CGROUP_SOCK_ADDR, 8, 8, attach=A.CGROUP_INET6_CONNECT) == "user_ip6"
    assert access(T.CGROUP_SOCK_ADDR, 48, 8, attach=A.CGROUP_UDP6_SENDMSG, write=True) == "msg_src_ip6"
    assert access(T.CGROUP_SOCK_ADDR, 44, 4, attach=A.CGROUP_UDP6_RECVMSG) is None
    assert access(T.CGROUP_SOCK, 0, 4, write=True) == "bound_dev_if"
    assert access(T.CGROUP_SOCK, 0, 4, attach=A.CGROUP_INET4_POST_BIND) is None
    assert access(T.CGROUP_SOCK, 24, 4, attach=A.CGROUP_INET4_POST_BIND) == "src_ip4"
    assert access(T.CGROUP_SOCKOPT, 36, 4, write=True, attach=A.CGROUP_SETSOCKOPT) is None
    assert access(T.CGROUP_SOCKOPT, 24, 4, write=True, attach=A.CGROUP_SETSOCKOPT) == "level"


def test_what_is_new() -> None:
    assert access(T.SOCK_OPS, 216, 8, release="6.1") is None
    assert access(T.SOCK_OPS, 216, 8, release="6.12.107-1") == "skb_hwtstamp"


def test_plain_memory() -> None:
    """kernel/trace/bpf_trace.c: tp_prog_, kprobe_prog_, pe_prog_is_valid_access; kernel/bpf/syscall.c:
    syscall_prog_."""
    assert access(T.TRACEPOINT, 0, 8) is None
    assert access(T.TRACEPOINT, 8, 8) == access(T.TRACEPOINT, 8191, 1) == "record"
    assert access(T.KPROBE, 160, 8) == access(T.KPROBE, 161, 1) == "regs"
    assert access(T.PERF_EVENT, 0, 4) is None
    assert access(T.PERF_EVENT, 168, 4) == "sample_period"
    assert access(T.RAW_TRACEPOINT, 88, 8) == "args"
    assert access(T.RAW_TRACEPOINT, 96, 8) is None
    assert access(T.SYSCALL, 0xFFF8, 4, write=True) == "memory"
    assert access(T.RAW_TRACEPOINT_WRITABLE, 0, 8) == "buffer"
    assert access(T.RAW_TRACEPOINT_WRITABLE, 0, 4) is None
    assert access(T.RAW_TRACEPOINT_WRITABLE, 8, 4) == "args"


def test_kinds_of_pointers() -> None:
    kinds = {(kind, field.name): field.kind for kind, layout in CONTEXTS.items() for field in layout.fields}
    assert kinds[T.XDP, "data_meta"] is ContextFieldKind.PACKET_META
    assert kinds[T.SCHED_CLS, "sk"] is ContextFieldKind.SOCK_COMMON_OR_NULL
    assert kinds[T.SK_MSG, "sk"] is kinds[T.CGROUP_SOCK_ADDR, "sk"] is ContextFieldKind.SOCKET
    assert kinds[T.SK_LOOKUP, "sk"] is kinds[T.SOCK_OPS, "sk"] is ContextFieldKind.SOCKET_OR_NULL
    assert kinds[T.CGROUP_SOCKOPT, "optval_end"] is ContextFieldKind.PACKET_END
    assert kinds[T.FLOW_DISSECTOR, "flow_keys"] is ContextFieldKind.FLOW_KEYS


def name(kind: SocketKind, offset: int, size: int) -> str | None:
    found = socket_field(kind, offset, size)
    return found.name if found else None


def test_sockets() -> None:
    """net/core/filter.c: bpf_sock_is_valid_access and its kin."""
    assert name(SocketKind.SOCKET, 8, 1) == "type"
    assert name(SocketKind.SOCKET, 9, 1) is None
    assert name(SocketKind.SOCK_COMMON, 8, 4) is None
    assert name(SocketKind.SOCK_COMMON, 4, 4) == "family"
    assert name(SocketKind.SOCKET, 25, 1) == "src_ip4"
    assert name(SocketKind.SOCKET, 48, 4) == name(SocketKind.SOCKET, 49, 1) == "dst_port"
    assert name(SocketKind.SOCKET, 50, 2) is None
    assert name(SocketKind.SOCKET, 80, 4) is None
    assert name(SocketKind.TCP_SOCK, 0, 1) is None
    assert name(SocketKind.TCP_SOCK, 80, 8) == "bytes_received"
    assert name(SocketKind.TCP_SOCK, 80, 4) is None
    assert name(SocketKind.XDP_SOCK, 0, 4) == "queue_id"
    for kind, fields in FIELDS.items():
        assert all(field.offset + field.size <= SIZES[kind] for field in fields)
