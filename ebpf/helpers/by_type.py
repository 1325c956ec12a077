"""The helpers of each program type beyond the common ones: its get_func_proto, as groups (net/core/filter.c,
kernel/trace/bpf_trace.c, kernel/bpf/cgroup.c, bpf_lsm.c, syscall.c, drivers/media/rc/bpf-lirc.c; Linux 6.1).
"""

from __future__ import annotations

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.helpers.tiers import (
    BTF_TRACING,
    CGROUP,
    COARSE,
    CURRENT,
    LOOKUPS,
    SOCKET_CASTS,
    STACKS,
    STORAGE,
    SYNCOOKIES,
    TRACING,
    Group,
    group,
)
from ebpf.program_types import AttachType, ProgramType

T, C = ProgramType, AttachType
_BUFFER = group("skb_load_bytes skb_load_bytes_relative get_socket_cookie get_socket_uid perf_event_output")
_CONTROL_GROUP_IDS = group("skb_cgroup_id skb_ancestor_cgroup_id")
_CLASSIFIER = group(
    "skb_store_bytes skb_pull_data csum_diff csum_update csum_level l3_csum_replace l4_csum_replace "
    "clone_redirect",
    "get_cgroup_classid skb_vlan_push skb_vlan_pop skb_change_proto skb_change_type skb_adjust_room "
    "skb_change_tail",
    "skb_change_head skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt redirect "
    "redirect_neigh",
    "redirect_peer get_route_realm get_hash_recalc set_hash_invalid set_hash skb_under_cgroup fib_lookup "
    "check_mtu sk_fullsock",
    "skb_get_xfrm_state skb_cgroup_classid tcp_sock get_listener_sock skb_ecn_set_ce sk_assign "
    "skb_set_tstamp",
    "get_netns_cookie>6.13",
)
_LIGHTWEIGHT = group(
    "skb_load_bytes skb_pull_data csum_diff get_cgroup_classid get_route_realm get_hash_recalc "
    "perf_event_output",
    "skb_under_cgroup",
)
_TRANSMIT = group(
    "skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt redirect clone_redirect "
    "skb_change_tail",
    "skb_change_head skb_store_bytes csum_update csum_level l3_csum_replace l4_csum_replace "
    "set_hash_invalid lwt_push_encap",
)
_EVENT = group("perf_event_output")
_CLASSIFIERS = (_BUFFER, _CLASSIFIER, STORAGE, LOOKUPS, SYNCOOKIES, _CONTROL_GROUP_IDS)
_BTF = (TRACING, STACKS, BTF_TRACING, SOCKET_CASTS)

BY_TYPE: dict[ProgramType, tuple[Group, ...]] = {
    T.SOCKET_FILTER: (_BUFFER, group("get_netns_cookie>6.15")),
    T.CGROUP_SKB: (_BUFFER, CGROUP, STORAGE, LOOKUPS, _CONTROL_GROUP_IDS,
                   group("sk_fullsock sk_cgroup_id sk_ancestor_cgroup_id tcp_sock get_listener_sock "
                         "skb_ecn_set_ce",
                         "get_netns_cookie>6.15")),
    T.SCHED_CLS: _CLASSIFIERS,
    T.SCHED_ACT: _CLASSIFIERS,
    T.XDP: (LOOKUPS, SYNCOOKIES,
            group("perf_event_output csum_diff xdp_adjust_head xdp_adjust_meta redirect redirect_map "
                  "xdp_adjust_tail",
                  "xdp_get_buff_len xdp_load_bytes xdp_store_bytes fib_lookup check_mtu")),
    T.SOCK_OPS: (STORAGE,
                 group("setsockopt getsockopt sock_ops_cb_flags_set sock_map_update sock_hash_update "
                       "get_socket_cookie",
                                "get_local_storage perf_event_output get_netns_cookie load_hdr_opt "
                                "store_hdr_opt",
                                "reserve_hdr_opt tcp_sock")),
    T.SK_MSG: (STORAGE,
               group("msg_redirect_map msg_redirect_hash msg_apply_bytes msg_cork_bytes msg_pull_data "
                     "msg_push_data",
                              "msg_pop_data perf_event_output get_current_uid_gid get_current_pid_tgid "
                              "get_netns_cookie",
                              "get_current_cgroup_id get_current_ancestor_cgroup_id get_cgroup_classid")),
    T.SK_SKB: (LOOKUPS,
               group("skb_store_bytes skb_load_bytes skb_pull_data skb_change_tail skb_change_head "
                     "skb_adjust_room",
                              "get_socket_cookie get_socket_uid sk_redirect_map sk_redirect_hash "
                              "perf_event_output")),
    T.FLOW_DISSECTOR: (group("skb_load_bytes"),),
    T.LWT_OUT: (_LIGHTWEIGHT,),
    T.LWT_IN: (_LIGHTWEIGHT, group("lwt_push_encap")),
    T.LWT_XMIT: (_LIGHTWEIGHT, _TRANSMIT),
    T.LWT_SEG6LOCAL: (_LIGHTWEIGHT, group("lwt_seg6_store_bytes lwt_seg6_action lwt_seg6_adjust_srh")),
    T.CGROUP_SOCK: (CGROUP, CURRENT, COARSE,
                    group("get_socket_cookie get_netns_cookie perf_event_output sk_storage_get",
                                                  "setsockopt>6.19 getsockopt>6.19")),
    T.CGROUP_SOCK_ADDR: (CGROUP, CURRENT, LOOKUPS, STORAGE,
                         group("bind get_socket_cookie get_netns_cookie perf_event_output setsockopt "
                               "getsockopt")),
    T.CGROUP_DEVICE: (CGROUP, CURRENT, _EVENT),
    T.CGROUP_SYSCTL: (CGROUP, CURRENT, COARSE, _EVENT,
                      group("sysctl_get_name sysctl_get_current_value sysctl_get_new_value "
                            "sysctl_set_new_value")),
    T.CGROUP_SOCKOPT: (CGROUP, CURRENT, STORAGE, _EVENT,
                       group("get_netns_cookie setsockopt getsockopt tcp_sock")),
    T.SK_REUSEPORT: (COARSE,
                     group("sk_select_reuseport skb_load_bytes skb_load_bytes_relative get_socket_cookie")),
    T.SK_LOOKUP: (group("perf_event_output sk_assign sk_release"),),
    T.KPROBE: (TRACING, STACKS, group("override_return get_attach_cookie")),
    T.TRACEPOINT: (TRACING, STACKS, group("get_attach_cookie")),
    T.PERF_EVENT: (TRACING, STACKS, group("perf_prog_read_value read_branch_records get_attach_cookie")),
    T.RAW_TRACEPOINT: (TRACING, STACKS, group("get_attach_cookie>6.10")),
    T.RAW_TRACEPOINT_WRITABLE: (TRACING, STACKS, group("get_attach_cookie>6.10")),
    T.TRACING: _BTF,
    T.LSM: (*_BTF, CGROUP,
            group("inode_storage_get inode_storage_delete bprm_opts_set ima_inode_hash ima_file_hash",
                                          "setsockopt getsockopt")),
    T.SYSCALL: (*_BTF, group("sys_bpf btf_find_by_name_kind sys_close kallsyms_lookup_name")),
    T.LIRC_MODE2: (group("map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem "
                         "map_peek_elem rc_repeat",
                         "rc_keydown rc_pointer_rel ktime_get_ns ktime_get_boot_ns tail_call "
                         "get_prandom_u32 trace_printk"),),
}  # fmt: skip
SOCKET_TYPES = frozenset({
    T.SOCKET_FILTER, T.CGROUP_SKB, T.SCHED_CLS, T.SCHED_ACT, T.XDP, T.SOCK_OPS, T.SK_MSG, T.SK_SKB,
    T.FLOW_DISSECTOR, T.LWT_OUT,
    T.LWT_IN, T.LWT_XMIT, T.LWT_SEG6LOCAL, T.CGROUP_SOCK_ADDR, T.SK_LOOKUP,
})  # fmt: skip
"""Types that fall back to bpf_sk_base_func_proto."""
UNLISTED = frozenset({T.STRUCT_OPS, T.EXT, T.UNSPEC})
BASE_ONLY = frozenset(ProgramType) - SOCKET_TYPES - UNLISTED - {T.LIRC_MODE2}
"""Types that fall back to bpf_base_func_proto directly."""

_NO_RETVAL = frozenset({
    C.CGROUP_INET_INGRESS, C.CGROUP_INET_EGRESS, C.CGROUP_SOCK_OPS, C.CGROUP_UDP4_RECVMSG,
    C.CGROUP_UDP6_RECVMSG,
    C.CGROUP_UNIX_RECVMSG, C.CGROUP_INET4_GETPEERNAME, C.CGROUP_INET6_GETPEERNAME, C.CGROUP_UNIX_GETPEERNAME,
    C.CGROUP_INET4_GETSOCKNAME, C.CGROUP_INET6_GETSOCKNAME, C.CGROUP_UNIX_GETSOCKNAME,
})  # fmt: skip
_INET = frozenset({
    C.CGROUP_INET4_BIND, C.CGROUP_INET6_BIND, C.CGROUP_INET4_CONNECT, C.CGROUP_INET6_CONNECT,
    C.CGROUP_UDP4_RECVMSG,
    C.CGROUP_UDP6_RECVMSG, C.CGROUP_UDP4_SENDMSG, C.CGROUP_UDP6_SENDMSG, C.CGROUP_INET4_GETPEERNAME,
    C.CGROUP_INET6_GETPEERNAME,
    C.CGROUP_INET4_GETSOCKNAME, C.CGROUP_INET6_GETSOCKNAME, C.CGROUP_UNIX_CONNECT, C.CGROUP_UNIX_SENDMSG,
    C.CGROUP_UNIX_RECVMSG,
    C.CGROUP_UNIX_GETPEERNAME, C.CGROUP_UNIX_GETSOCKNAME,
})  # fmt: skip
_N = HELPER_NUMBERS
_ITERATORS = frozenset({C.TRACE_ITER})
_TRAMPOLINES = frozenset({C.TRACE_FENTRY, C.TRACE_FEXIT, C.MODIFY_RETURN})
NOT_ATTACHED: dict[int, frozenset[AttachType]] = {_N["get_retval"]: _NO_RETVAL, _N["set_retval"]: _NO_RETVAL}
"""Attach types that lack a helper whatever the program type is (cgroup_common_func_proto; Linux 6.12)."""
ATTACHED: dict[tuple[ProgramType, int], frozenset[AttachType]] = {
    (T.CGROUP_SOCK_ADDR, _N["bind"]): frozenset({C.CGROUP_INET4_CONNECT, C.CGROUP_INET6_CONNECT}),
    (T.CGROUP_SOCK_ADDR, _N["setsockopt"]): _INET,
    (T.CGROUP_SOCK_ADDR, _N["getsockopt"]): _INET,
    (T.CGROUP_SOCKOPT, _N["setsockopt"]): frozenset({C.CGROUP_SETSOCKOPT}),
    (T.CGROUP_SOCKOPT, _N["getsockopt"]): frozenset({C.CGROUP_SETSOCKOPT}),
    (T.CGROUP_SOCK, _N["setsockopt"]): frozenset({C.CGROUP_INET_SOCK_CREATE}),
    (T.CGROUP_SOCK, _N["getsockopt"]): frozenset({C.CGROUP_INET_SOCK_CREATE}),
    # check_get_func_ip, kernel/bpf/verifier.c: of other types it says "not supported" where it is called.
    **{(kind, _N["get_func_ip"]): frozenset() for kind in (T.TRACEPOINT, T.PERF_EVENT, T.RAW_TRACEPOINT,
                                                           T.RAW_TRACEPOINT_WRITABLE,
                                                           T.SYSCALL)},
    # bpf_prog_has_trampoline, include/linux/bpf_verifier.h.
    **{(T.TRACING, _N[name]): _TRAMPOLINES for name in (
        "get_func_arg", "get_func_ret", "get_func_arg_cnt", "get_func_ip", "get_attach_cookie")},
    **{(T.TRACING, _N[name]): _ITERATORS for name in ("seq_printf", "seq_write", "seq_printf_btf")},
    **{(kind, _N[name]): frozenset() for kind in (T.LSM, T.SYSCALL)
       for name in ("seq_printf", "seq_write", "seq_printf_btf")},
    # cgroup_common_func_proto has them for neither direction of a packet.
    **{(T.CGROUP_SKB, _N[name]): frozenset() for name in ("get_retval", "set_retval")},
    # bpf_lsm_func_proto, kernel/bpf/bpf_lsm.c, and check_get_func_ip (asked of 6.1, 6.12 and 7.3).
    (T.LSM, _N["get_func_ip"]): frozenset(),
    **{(T.LSM, _N[name]): frozenset({C.LSM_CGROUP})
       for name in ("get_local_storage", "get_retval", "set_retval")},
    **{(T.LSM, _N[name]): frozenset({C.LSM_MAC}) for name in (
        "get_attach_cookie", "get_func_arg", "get_func_ret", "get_func_arg_cnt")},
    # Those of tracing programs that ask what the program is attached to.
    **{(T.SYSCALL, _N[name]): frozenset() for name in (
        "sk_storage_get", "sk_storage_delete", "d_path", "get_attach_cookie", "get_func_arg", "get_func_ret",
        "get_func_arg_cnt")},
}  # fmt: skip
"""The only attach types for which a program type has a helper."""
UNCERTAIN = frozenset({
    (T.TRACING, _N["d_path"]), (T.LSM, _N["d_path"]), (T.LSM, _N["setsockopt"]), (T.LSM, _N["getsockopt"]),
    (T.LWT_SEG6LOCAL, _N["skb_pull_data"]),
})  # fmt: skip
"""Helpers that hang on the very function a program is attached to (bpf_d_path_allowed,
kernel/trace/bpf_trace.c; bpf_lsm_func_proto), and one that a fix took away, which some stable kernels of a
series have and others have not."""
