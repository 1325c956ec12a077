"""Helpers on sockets, socket maps, messages and control groups (net/core/filter.c, sock_map.c,
bpf_sk_storage.c; Linux 6.12)."""

from __future__ import annotations

from ebpf.helpers.prototype import Arg, ArgKind, Prototype, ResultKind, helper

A, R = ArgKind, ResultKind
# ARG_CONST_SIZE_OR_ZERO since 6.11 ("bpf: Relax tuple len requirement for sk helpers"): any other length than
# that of an address family finds nothing.
_LOOKUP = (A.CTX, A.MEM_RDONLY, Arg(A.SIZE, zero_since=(6, 11)), A.ANYTHING, A.ANYTHING)
_COOKIE = (A.BTF_ID_SOCK_COMMON, A.MEM_RDONLY, A.SIZE, A.MEM_RDONLY, A.SIZE)
_CASTS = {"tcp6_sock": "5.9", "tcp_sock": "5.9", "tcp_timewait_sock": "5.9", "tcp_request_sock": "5.9",
          "udp6_sock": "5.9",
          "unix_sock": "5.16"}  # fmt: skip

SOCKETS: tuple[Prototype, ...] = (
    helper("sk_lookup_tcp", *_LOOKUP, result=R.SOCKET_OR_NULL, acquires=True, packet=True, since="4.20"),
    helper("sk_lookup_udp", *_LOOKUP, result=R.SOCKET_OR_NULL, acquires=True, packet=True, since="4.20"),
    helper("skc_lookup_tcp", *_LOOKUP, result=R.SOCK_COMMON_OR_NULL, acquires=True, packet=True, since="5.2"),
    helper("sk_release", A.BTF_ID_SOCK_COMMON, releases=1, since="4.20"),
    helper("sk_fullsock", A.SOCK_COMMON, result=R.SOCKET_OR_NULL, since="5.1"),
    helper("tcp_sock", A.SOCK_COMMON, result=R.TCP_SOCK_OR_NULL, since="5.1"),
    helper("get_listener_sock", A.SOCK_COMMON, result=R.SOCKET_OR_NULL, since="5.1"),
    helper("tcp_check_syncookie", *_COOKIE, gpl=True, packet=True, since="5.2"),
    helper("tcp_gen_syncookie", *_COOKIE, gpl=True, packet=True, since="5.3"),
    helper("tcp_send_ack", Arg(A.BTF_ID, name="tcp_sock"), A.ANYTHING, since="5.5"),
    helper("sk_assign", A.CTX, A.BTF_ID_SOCK_COMMON, A.ANYTHING, since="5.7"),
    helper("sk_cgroup_id", A.BTF_ID_SOCK_COMMON, since="5.8"),
    helper("sk_ancestor_cgroup_id", A.BTF_ID_SOCK_COMMON, A.ANYTHING, since="5.8"),
    *(helper(f"skc_to_{kind}", A.BTF_ID_SOCK_COMMON, result=R.BTF_ID_OR_NULL, since=since) for kind,
      since in _CASTS.items()),
    helper("skc_to_mptcp_sock", A.SOCK_COMMON, result=R.BTF_ID_OR_NULL, since="5.19"),
    helper("sk_storage_get", A.CONST_MAP, A.BTF_ID_SOCK_COMMON, A.MAP_VALUE_OR_NULL, A.ANYTHING,
           result=R.MAP_VALUE_OR_NULL,
           since="5.2"),
    helper("sk_storage_delete", A.CONST_MAP, A.BTF_ID_SOCK_COMMON, since="5.2"),
    helper("get_socket_cookie", A.CTX, since="4.12"),
    helper("get_socket_uid", A.CTX, since="4.12"),
    helper("get_netns_cookie", A.CTX_OR_NULL, since="5.7"),
)  # fmt: skip
SOCKET_MAPS: tuple[Prototype, ...] = (
    helper("sk_redirect_map", A.CTX, A.CONST_MAP, A.ANYTHING, A.ANYTHING, since="4.14"),
    helper("sk_redirect_hash", A.CTX, A.CONST_MAP, A.MAP_KEY, A.ANYTHING, since="4.18"),
    helper("sock_map_update", A.CTX, A.CONST_MAP, A.MAP_KEY, A.ANYTHING, packet=True, since="4.14"),
    helper("sock_hash_update", A.CTX, A.CONST_MAP, A.MAP_KEY, A.ANYTHING, packet=True, since="4.18"),
    helper("msg_redirect_map", A.CTX, A.CONST_MAP, A.ANYTHING, A.ANYTHING, since="4.17"),
    helper("msg_redirect_hash", A.CTX, A.CONST_MAP, A.MAP_KEY, A.ANYTHING, since="4.18"),
    helper("sk_select_reuseport", A.CTX, A.CONST_MAP, A.MAP_KEY, A.ANYTHING, since="4.19"),
)
MESSAGES: tuple[Prototype, ...] = (
    helper("msg_apply_bytes", A.CTX, A.ANYTHING, since="4.17"),
    helper("msg_cork_bytes", A.CTX, A.ANYTHING, since="4.17"),
    helper("msg_pull_data", A.CTX, A.ANYTHING, A.ANYTHING, A.ANYTHING, changes=True, since="4.17"),
    helper("msg_push_data", A.CTX, A.ANYTHING, A.ANYTHING, A.ANYTHING, changes=True, since="4.20"),
    helper("msg_pop_data", A.CTX, A.ANYTHING, A.ANYTHING, A.ANYTHING, changes=True, since="5.0"),
)
OPTIONS: tuple[Prototype, ...] = (
    helper("setsockopt", A.CTX, A.ANYTHING, A.ANYTHING, A.MEM_RDONLY, A.SIZE, since="4.13"),
    helper("getsockopt", A.CTX, A.ANYTHING, A.ANYTHING, A.MEM_UNINIT, A.SIZE, since="4.15"),
    helper("sock_ops_cb_flags_set", A.CTX, A.ANYTHING, since="4.16"),
    helper("load_hdr_opt", A.CTX, A.MEM, A.SIZE, A.ANYTHING, since="5.10"),
    helper("store_hdr_opt", A.CTX, A.MEM_RDONLY, A.SIZE, A.ANYTHING, changes=True, since="5.10"),
    helper("reserve_hdr_opt", A.CTX, A.ANYTHING, A.ANYTHING, since="5.10"),
    helper("bind", A.CTX, A.MEM_RDONLY, A.SIZE, since="4.17"),
)
CONTROL_GROUPS: tuple[Prototype, ...] = (
    helper("get_local_storage", A.CONST_MAP, A.ANYTHING, result=R.MAP_VALUE, since="4.19"),
    helper("get_retval", since="5.18"),
    helper("set_retval", A.ANYTHING, since="5.18"),
    helper("sysctl_get_name", A.CTX, A.MEM, A.SIZE, A.ANYTHING, since="5.2"),
    helper("sysctl_get_current_value", A.CTX, A.MEM_UNINIT, A.SIZE, since="5.2"),
    helper("sysctl_get_new_value", A.CTX, A.MEM_UNINIT, A.SIZE, since="5.2"),
    helper("sysctl_set_new_value", A.CTX, A.MEM_RDONLY, A.SIZE, since="5.2"),
)
"""kernel/bpf/cgroup.c."""
PROTOTYPES: tuple[Prototype, ...] = (*SOCKETS, *SOCKET_MAPS, *MESSAGES, *OPTIONS, *CONTROL_GROUPS)
