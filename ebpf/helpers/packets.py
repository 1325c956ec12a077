"""Helpers on socket buffers and XDP packets (net/core/filter.c; Linux 6.12)."""

from __future__ import annotations

from ebpf.helpers.prototype import Arg, ArgKind, Prototype, helper

A = ArgKind
IPV4, IPV6, TCP = (Arg(A.FIXED_MEM, size) for size in (20, 40, 20))
"""struct iphdr, ipv6hdr, tcphdr."""

BUFFERS: tuple[Prototype, ...] = (
    helper("skb_store_bytes", A.CTX, A.ANYTHING, A.MEM_RDONLY, A.SIZE, A.ANYTHING, changes=True, since="4.1"),
    helper("l3_csum_replace", A.CTX, *[A.ANYTHING] * 4, changes=True, since="4.1"),
    helper("l4_csum_replace", A.CTX, *[A.ANYTHING] * 4, changes=True, since="4.1"),
    helper("clone_redirect", A.CTX, A.ANYTHING, A.ANYTHING, changes=True, since="4.2"),
    helper("get_cgroup_classid", A.CTX, since="4.3"),
    helper("skb_vlan_push", A.CTX, A.ANYTHING, A.ANYTHING, changes=True, since="4.3"),
    helper("skb_vlan_pop", A.CTX, changes=True, since="4.3"),
    helper("skb_get_tunnel_key", A.CTX, A.MEM_UNINIT, A.SIZE, A.ANYTHING, since="4.3"),
    helper("skb_set_tunnel_key", A.CTX, A.MEM_RDONLY, A.SIZE, A.ANYTHING, since="4.3"),
    helper("get_route_realm", A.CTX, since="4.4"),
    helper("skb_load_bytes", A.CTX, A.ANYTHING, A.MEM_UNINIT, A.SIZE, since="4.5"),
    helper("skb_load_bytes_relative", A.CTX, A.ANYTHING, A.MEM_UNINIT, A.SIZE, A.ANYTHING, since="4.18"),
    helper("csum_diff", A.MEM_OR_NULL_RDONLY, A.SIZE_OR_ZERO, A.MEM_OR_NULL_RDONLY, A.SIZE_OR_ZERO,
           A.ANYTHING, packet=True,
           since="4.6"),
    helper("csum_update", A.CTX, A.ANYTHING, since="4.9"),
    helper("csum_level", A.CTX, A.ANYTHING, since="5.8"),
    helper("skb_get_tunnel_opt", A.CTX, A.MEM_UNINIT, A.SIZE, since="4.6"),
    helper("skb_set_tunnel_opt", A.CTX, A.MEM_RDONLY, A.SIZE, since="4.6"),
    helper("skb_change_proto", A.CTX, A.ANYTHING, A.ANYTHING, changes=True, since="4.8"),
    helper("skb_change_type", A.CTX, A.ANYTHING, since="4.8"),
    helper("skb_change_tail", A.CTX, A.ANYTHING, A.ANYTHING, changes=True, since="4.9"),
    helper("skb_change_head", A.CTX, A.ANYTHING, A.ANYTHING, changes=True, since="4.10"),
    helper("skb_pull_data", A.CTX, A.ANYTHING, changes=True, since="4.9"),
    helper("skb_adjust_room", A.CTX, A.ANYTHING, A.ANYTHING, A.ANYTHING, changes=True, since="4.13"),
    helper("skb_under_cgroup", A.CTX, A.CONST_MAP, A.ANYTHING, since="4.8"),
    helper("skb_cgroup_id", A.CTX, since="4.18"),
    helper("skb_cgroup_classid", A.CTX, since="5.10"),
    helper("skb_ancestor_cgroup_id", A.CTX, A.ANYTHING, since="4.19"),
    helper("get_hash_recalc", A.CTX, since="4.8"),
    helper("set_hash_invalid", A.CTX, since="4.9"),
    helper("set_hash", A.CTX, A.ANYTHING, since="4.13"),
    helper("skb_get_xfrm_state", A.CTX, A.ANYTHING, A.MEM_UNINIT, A.SIZE, A.ANYTHING, since="4.18"),
    helper("skb_ecn_set_ce", A.CTX, since="5.1"),
    helper("skb_set_tstamp", A.CTX, A.ANYTHING, A.ANYTHING, since="5.18"),
)  # fmt: skip
REDIRECTS: tuple[Prototype, ...] = (
    helper("redirect", A.ANYTHING, A.ANYTHING, since="4.4"),
    helper("redirect_map", A.CONST_MAP, A.ANYTHING, A.ANYTHING, since="4.14"),
    helper("redirect_neigh", A.ANYTHING, A.MEM_OR_NULL_RDONLY, A.SIZE_OR_ZERO, A.ANYTHING, since="5.10"),
    helper("redirect_peer", A.ANYTHING, A.ANYTHING, since="5.10"),
    helper("fib_lookup", A.CTX, A.MEM, A.SIZE, A.ANYTHING, gpl=True, since="4.18"),
    helper(
        "check_mtu",
        A.CTX,
        A.ANYTHING,
        Arg(A.FIXED_MEM_INOUT, 4, aligned=True),
        A.ANYTHING,
        A.ANYTHING,
        gpl=True,
        since="5.12",
    ),
)
XDP: tuple[Prototype, ...] = (
    helper("xdp_adjust_head", A.CTX, A.ANYTHING, changes=True, since="4.10"),
    helper("xdp_adjust_meta", A.CTX, A.ANYTHING, changes=True, since="4.15"),
    helper("xdp_adjust_tail", A.CTX, A.ANYTHING, changes=True, since="4.18"),
    helper("xdp_get_buff_len", A.CTX, since="5.18"),
    helper("xdp_load_bytes", A.CTX, A.ANYTHING, A.MEM_UNINIT, A.SIZE, since="5.18"),
    helper("xdp_store_bytes", A.CTX, A.ANYTHING, A.MEM_RDONLY, A.SIZE, since="5.18"),
    helper(
        "tcp_raw_gen_syncookie_ipv4", IPV4, A.MEM_RDONLY, A.SIZE_OR_ZERO, gpl=True, packet=True, since="6.0"
    ),
    helper(
        "tcp_raw_gen_syncookie_ipv6", IPV6, A.MEM_RDONLY, A.SIZE_OR_ZERO, gpl=True, packet=True, since="6.0"
    ),
    helper("tcp_raw_check_syncookie_ipv4", IPV4, TCP, gpl=True, packet=True, since="6.0"),
    helper("tcp_raw_check_syncookie_ipv6", IPV6, TCP, gpl=True, packet=True, since="6.0"),
)
"""The kernel declares what xdp_store_bytes reads as uninitialised memory, up to 6.12 at least; here stands
what it does."""
TUNNELS: tuple[Prototype, ...] = (
    helper("lwt_push_encap", A.CTX, A.ANYTHING, A.MEM_RDONLY, A.SIZE, changes=True, since="4.18"),
    helper("lwt_seg6_store_bytes", A.CTX, A.ANYTHING, A.MEM_RDONLY, A.SIZE, changes=True, since="4.18"),
    helper("lwt_seg6_adjust_srh", A.CTX, A.ANYTHING, A.ANYTHING, changes=True, since="4.18"),
    helper("lwt_seg6_action", A.CTX, A.ANYTHING, A.MEM_RDONLY, A.SIZE, changes=True, since="4.18"),
)
INFRARED: tuple[Prototype, ...] = (
    helper("rc_repeat", A.CTX, gpl=True, since="4.18"),
    helper("rc_keydown", A.CTX, A.ANYTHING, A.ANYTHING, A.ANYTHING, gpl=True, since="4.18"),
    helper("rc_pointer_rel", A.CTX, A.ANYTHING, A.ANYTHING, gpl=True, since="5.0"),
)
"""drivers/media/rc/bpf-lirc.c."""
PROTOTYPES: tuple[Prototype, ...] = (*BUFFERS, *REDIRECTS, *XDP, *TUNNELS, *INFRARED)
