"""Who owns what a helper gives: which lookups give sockets or maps, and which results are views of an
argument (kernel/bpf/verifier.c: is_acquire_function, is_ptr_cast_function, mark_ptr_not_null_reg; Linux
6.12)."""

from __future__ import annotations

from enum import Enum

from ebpf.maps import MapType


class Found(Enum):
    """What a lookup gives where it finds something."""

    VALUE = "map value"
    MAP = "map"
    SOCKET = "socket, to be released"
    XDP_SOCKET = "XDP socket"


_FOUND: dict[MapType, Found] = {
    MapType.ARRAY_OF_MAPS: Found.MAP,
    MapType.HASH_OF_MAPS: Found.MAP,
    MapType.SOCKMAP: Found.SOCKET,
    MapType.SOCKHASH: Found.SOCKET,
    MapType.XSKMAP: Found.XDP_SOCKET,
}
VIEWS = frozenset({
    "tcp_sock", "sk_fullsock", "skc_to_tcp6_sock", "skc_to_tcp_sock", "skc_to_tcp_timewait_sock",
    "skc_to_tcp_request_sock",
    "skc_to_udp6_sock", "skc_to_unix_sock", "skc_to_mptcp_sock",
})  # fmt: skip
"""Helpers whose result is the socket they are given, seen as something else: it lives as long, and may be
released in its place."""

GIVEN_STRUCTURES = {
    "get_current_task_btf": "task_struct", "task_pt_regs": "pt_regs", "skc_to_tcp6_sock": "tcp6_sock",
    "skc_to_tcp_sock": "tcp_sock", "skc_to_tcp_timewait_sock": "tcp_timewait_sock",
    "skc_to_tcp_request_sock": "tcp_request_sock", "skc_to_udp6_sock": "udp6_sock",
    "skc_to_unix_sock": "unix_sock", "skc_to_mptcp_sock": "mptcp_sock", "sock_from_file": "socket",
}  # fmt: skip
"""By helper, the structure that its result points to (include/uapi/linux/bpf.h)."""


def found_by_lookup(kind: MapType) -> Found:
    """What map_lookup_elem gives for a map of this type; only a socket is a reference to release."""
    return _FOUND.get(kind, Found.VALUE)
