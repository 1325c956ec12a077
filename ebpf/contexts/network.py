"""Contexts of XDP, sockets, messages and their selection (net/core/filter.c: xdp_is_valid_access,
sock_ops_is_valid_access, sk_msg_is_valid_access, sk_reuseport_is_valid_access, sk_lookup_is_valid_access;
Linux 6.12)."""

from __future__ import annotations

from dataclasses import replace

from ebpf.contexts.field import LONG, WORD, Context, ContextField, ContextFieldKind, array, pointer, words
from ebpf.program_types import AttachType, ProgramType

_XDP = (
    pointer("data", 0, ContextFieldKind.PACKET, 4), pointer("data_end", 4, ContextFieldKind.PACKET_END, 4),
    pointer("data_meta", 8, ContextFieldKind.PACKET_META, 4),
    *words("ingress_ifindex rx_queue_index", 12, WORD),
    ContextField("egress_ifindex", 20, reads=WORD, read_attach=frozenset({AttachType.XDP_DEVMAP})),
)  # fmt: skip
_SOCK_OPS_WORDS = (
    "op reply args_1 args_2 args_3 family remote_ip4 local_ip4 remote_ip6_0 remote_ip6_1 remote_ip6_2 "
    "remote_ip6_3 local_ip6_0 "
    "local_ip6_1 local_ip6_2 local_ip6_3 remote_port local_port is_fullsock snd_cwnd srtt_us "
    "bpf_sock_ops_cb_flags state rtt_min "
    "snd_ssthresh rcv_nxt snd_nxt snd_una mss_cache ecn_flags rate_delivered rate_interval_us packets_out "
    "retrans_out "
    "total_retrans segs_in data_segs_in segs_out data_segs_out lost_out sacked_out sk_txhash"
)
_SOCK_OPS = (
    *(field.written() if field.name in ("reply", "sk_txhash") else field for field in words(_SOCK_OPS_WORDS,
        0, WORD)),
    ContextField("bytes_received", 168, 8, reads=LONG), ContextField("bytes_acked", 176, 8, reads=LONG),
    pointer("sk", 184, ContextFieldKind.SOCKET_OR_NULL), pointer("skb_data", 192, ContextFieldKind.PACKET),
    pointer("skb_data_end", 200, ContextFieldKind.PACKET_END), *words("skb_len", 208, WORD),
    ContextField("skb_tcp_flags", 212, start_only=True),
    ContextField("skb_hwtstamp", 216, 8, reads=LONG, since="6.2"),
)  # fmt: skip
_SK_MSG = (
    pointer("data", 0, ContextFieldKind.PACKET), pointer("data_end", 8, ContextFieldKind.PACKET_END),
    *words("family remote_ip4 local_ip4", 16, WORD),
    *(replace(field, reads=WORD) for field in (*array("remote_ip6", 28), *array("local_ip6", 44))),
    *words("remote_port local_port size", 60, WORD), pointer("sk", 72, ContextFieldKind.SOCKET),
)  # fmt: skip
_REUSEPORT = (
    pointer("data", 0, ContextFieldKind.PACKET), pointer("data_end", 8, ContextFieldKind.PACKET_END),
    *words("len", 16),
    ContextField("eth_protocol", 20, reads=(2, 4)), *words("ip_protocol bind_inany", 24),
    *words("hash", 32, WORD),
    pointer("sk", 40, ContextFieldKind.SOCKET), pointer("migrating_sk", 48,
                                                        ContextFieldKind.SOCK_COMMON_OR_NULL),
)  # fmt: skip
_SK_LOOKUP = (
    pointer("sk", 0, ContextFieldKind.SOCKET_OR_NULL), *words("family protocol remote_ip4", 8),
    *array("remote_ip6", 20),
    ContextField("remote_port", 36, 2, reads=(1, 2)), ContextField("remote_port", 36, reads=WORD),
    ContextField("zeros", 38, 2, reads=(1, 2)), *words("local_ip4", 40), *array("local_ip6", 44),
    *words("local_port ingress_ifindex", 60),
)  # fmt: skip

CONTEXTS: dict[ProgramType, Context] = {
    ProgramType.XDP: Context("xdp_md", 24, _XDP),
    ProgramType.SOCK_OPS: Context("bpf_sock_ops", 224, _SOCK_OPS),
    ProgramType.SK_MSG: Context("sk_msg_md", 80, _SK_MSG),
    ProgramType.SK_REUSEPORT: Context("sk_reuseport_md", 56, _REUSEPORT),
    ProgramType.SK_LOOKUP: Context("bpf_sk_lookup", 72, _SK_LOOKUP),
}
"""By program type."""
