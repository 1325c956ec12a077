"""What loads through a pointer to a socket may read: ``struct bpf_sock``, ``bpf_tcp_sock``, ``bpf_xdp_sock``
of include/uapi/linux/bpf.h (net/core/filter.c: bpf_sock_is_valid_access, bpf_sock_common_is_valid_access,
bpf_tcp_sock_is_valid_access, bpf_xdp_sock_is_valid_access; Linux 6.12).  Nothing of them may be written,
except where ``struct bpf_sock`` is the context.
"""

from __future__ import annotations

from enum import Enum

from ebpf.contexts.field import LONG, WORD, ContextField, array, words


class SocketKind(Enum):
    """What a socket pointer points to (``enum bpf_reg_type``: PTR_TO_SOCKET, ...)."""

    SOCKET = "sock"
    SOCK_COMMON = "sock_common"
    TCP_SOCK = "tcp_sock"
    XDP_SOCK = "xdp_sock"


def _first(name: str, offset: int) -> ContextField:
    """A field of which a part may be read, if the part starts where the field does."""
    return ContextField(name, offset, start_only=True)


_SOCK: tuple[ContextField, ...] = (
    *words("bound_dev_if", 0, WORD), _first("family", 4), _first("type", 8), _first("protocol", 12),
    *words("mark priority", 16, WORD), *words("src_ip4", 24), *array("src_ip6", 28), _first("src_port", 44),
    ContextField("dst_port", 48, 2, reads=(1, 2)),
    ContextField("dst_port", 48, reads=WORD), *words("dst_ip4", 52), *array("dst_ip6", 56),
    _first("state", 72),
    _first("rx_queue_mapping", 76),
)  # fmt: skip
"""A load of four bytes at dst_port gets the two bytes behind it too, which are zero."""
_TCP_WORDS = (
    "snd_cwnd srtt_us rtt_min snd_ssthresh rcv_nxt snd_nxt snd_una mss_cache ecn_flags rate_delivered "
    "rate_interval_us packets_out "
    "retrans_out total_retrans segs_in data_segs_in segs_out data_segs_out lost_out sacked_out"
)
_TCP: tuple[ContextField, ...] = (
    *words(_TCP_WORDS, 0, WORD), ContextField("bytes_received", 80, 8, reads=LONG),
    ContextField("bytes_acked", 88, 8, reads=LONG),
    *words("dsack_dups delivered delivered_ce icsk_retransmits", 96, WORD),
)  # fmt: skip

FIELDS: dict[SocketKind, tuple[ContextField, ...]] = {
    SocketKind.SOCKET: _SOCK,
    SocketKind.SOCK_COMMON: tuple(field for field in _SOCK if not 8 <= field.offset < 24),
    SocketKind.TCP_SOCK: _TCP,
    SocketKind.XDP_SOCK: words("queue_id", 0, WORD),
}
"""By what is pointed to, in the order of offsets."""
SIZES: dict[SocketKind, int] = {
    SocketKind.SOCKET: 80,
    SocketKind.SOCK_COMMON: 80,
    SocketKind.TCP_SOCK: 112,
    SocketKind.XDP_SOCK: 4,
}


def socket_field(kind: SocketKind, offset: int, size: int) -> ContextField | None:
    """The field that a load of ``size`` bytes at ``offset`` reads, or None where it is refused."""
    if offset % size:
        return None
    for field in FIELDS[kind]:
        if (
            field.holds(offset, size)
            and size in field.reads
            and (offset == field.offset or not field.start_only)
        ):
            return field
    return None
