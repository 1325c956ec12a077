"""``struct __sk_buff`` as each program type sees it (include/uapi/linux/bpf.h; net/core/filter.c:
bpf_skb_is_valid_access and the functions that call it; Linux 6.12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ebpf.contexts.field import LONG, WORD, Context, ContextField, ContextFieldKind, pointer, words
from ebpf.program_types import ProgramType

_CB = frozenset({"cb0", "cb1", "cb2", "cb3", "cb4", "cb"})
_GIVEN = frozenset({"mark", "priority"}) | _CB
"""BPF_PROG_TEST_RUN takes them from ctx_in (net/bpf/test_run.c: convert___skb_to_skb)."""
HALF_WORDS = frozenset({"tc_index", "tc_classid", "queue_mapping"})
"""Fields that the kernel keeps in 16 bits."""
_WIDE_CB = ContextField("cb", 48, 20, reads=LONG)
"""Accesses of eight bytes may span two words."""
_FIELDS = tuple(
    replace(field, given=field.name in _GIVEN)
    for field in (
        *words("len pkt_type mark queue_mapping protocol vlan_present vlan_tci vlan_proto", 0),
        *words("priority ingress_ifindex ifindex tc_index", 32),
        *words("cb0 cb1 cb2 cb3 cb4", 48),
        _WIDE_CB,
        *words("hash tc_classid", 68),
        pointer("data", 76, ContextFieldKind.PACKET, 4),
        pointer("data_end", 80, ContextFieldKind.PACKET_END, 4),
        *words("napi_id family", 84),
        *words("remote_ip4 local_ip4", 92, WORD),
        *words(
            "remote_ip6_0 remote_ip6_1 remote_ip6_2 remote_ip6_3 local_ip6_0 local_ip6_1 local_ip6_2 "
            "local_ip6_3",
            100,
            WORD,
        ),
        *words("remote_port local_port", 132),
        pointer("data_meta", 140, ContextFieldKind.PACKET_META, 4),
        pointer("flow_keys", 144, ContextFieldKind.FLOW_KEYS),
        ContextField("tstamp", 152, 8, reads=LONG),
        *words("wire_len gso_segs", 160),
        pointer("sk", 168, ContextFieldKind.SOCK_COMMON_OR_NULL),
        *words("gso_size", 176),
        ContextField("tstamp_type", 180, 1, reads=(1,), since="5.18"),
        ContextField("hwtstamp", 184, 8, reads=LONG, since="5.16"),
    )
)
SIZE = 192
_SOCKET = frozenset(field.name for field in _FIELDS if 88 <= field.offset < 140)
_NOT_CLASSIFIER = frozenset({"tc_classid", "data_meta", "wire_len", "flow_keys", "tstamp_type"})
_QUIET = _NOT_CLASSIFIER | {"tstamp", "hwtstamp"}
_BPF_READ, _BPF_WRITE = frozenset({"data", "data_end"}), frozenset({"tstamp"})


def _context(
    hidden: Iterable[str], writable: Iterable[str] = (), *, link_header: int = 0, capable: bool = False
) -> Context:
    """The buffer without ``hidden`` fields.  ``capable``: the packet and writing its time stamp take
    CAP_BPF."""
    fields = [field for field in _FIELDS if field.name not in hidden]
    for at, field in enumerate(fields):
        if capable and field.name in _BPF_READ:
            field = replace(field, needs_bpf=True)
        if field.name in writable:
            sizes = field.reads if field.name in _CB else (field.size,)
            field = field.written(*sizes, needs_bpf=capable and field.name in _BPF_WRITE)
        fields[at] = field
    return Context("__sk_buff", SIZE, tuple(fields), link_header)


_LIGHTWEIGHT = _context(_QUIET | _SOCKET, _CB | {"mark", "priority"}, link_header=14)
_CLASSIFIER = _context(
    _SOCKET | {"flow_keys"}, _CB | {"mark", "tc_index", "priority", "tc_classid", "tstamp", "queue_mapping"}
)
CONTEXTS: dict[ProgramType, Context] = {
    ProgramType.SOCKET_FILTER: _context(_QUIET | _SOCKET | {"data", "data_end"}, _CB, link_header=14),
    ProgramType.CGROUP_SKB: _context(
        _NOT_CLASSIFIER, _CB | {"mark", "priority", "tstamp"}, link_header=14, capable=True
    ),
    ProgramType.SCHED_CLS: _CLASSIFIER,
    ProgramType.SCHED_ACT: _CLASSIFIER,
    ProgramType.LWT_IN: _LIGHTWEIGHT,
    ProgramType.LWT_OUT: _LIGHTWEIGHT,
    ProgramType.LWT_XMIT: _LIGHTWEIGHT,
    ProgramType.LWT_SEG6LOCAL: _LIGHTWEIGHT,
    ProgramType.SK_SKB: _context(_QUIET | {"mark"}, {"tc_index", "priority"}),
    ProgramType.FLOW_DISSECTOR: Context(
        "__sk_buff",
        SIZE,
        tuple(field for field in _FIELDS if field.name in {"data", "data_end", "flow_keys"}),
    ),
}
"""By program type."""
