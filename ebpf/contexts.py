"""Context layouts: what R1 points to when a program starts, field by field, and who may read or write which.

Offsets are those of ``struct __sk_buff`` and ``struct xdp_md`` in include/uapi/linux/bpf.h (Linux 6.12); access rules are those of
``sk_filter_is_valid_access``, ``tc_cls_act_is_valid_access`` and ``xdp_is_valid_access`` in net/core/filter.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.program_types import ProgramType


class FieldKind(Enum):
    """What a load of the field gives."""

    NUMBER = "number"
    PACKET = "packet start"
    PACKET_END = "packet end"
    PACKET_META = "packet metadata"
    POINTER = "kernel pointer"


@dataclass(frozen=True, slots=True)
class ContextField:
    """``size`` in bytes.  ``given``: BPF_PROG_TEST_RUN takes the value from ctx_in, so that a run can predict it.  ``whole``: loads
    of a part of the field are refused."""

    name: str
    offset: int
    size: int = 4
    kind: FieldKind = FieldKind.NUMBER
    given: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """``hidden`` fields are refused to this program type, ``writable`` ones may be stored to; ``link_header``: bytes of Ethernet
    header that the program does not see (BPF_PROG_TEST_RUN is given them all the same)."""

    struct: str
    size: int
    fields: tuple[ContextField, ...]
    hidden: frozenset[str] = frozenset()
    writable: frozenset[str] = frozenset()
    link_header: int = 0

    def field_at(self, offset: int, size: int) -> ContextField | None:
        """The field that holds ``size`` bytes from ``offset``, or None."""
        for field in self.fields:
            if field.offset <= offset and offset + size <= field.offset + field.size:
                return field
        return None


def _sequence(names: str, start: int, whole: bool = False) -> list[ContextField]:
    return [ContextField(name, start + 4 * n, whole=whole) for n, name in enumerate(names.split())]


_GIVEN = {"mark", "priority", "cb0", "cb1", "cb2", "cb3", "cb4"}
_WHOLE = {"data", "data_end", "data_meta", "remote_ip4", "local_ip4", "tstamp", "hwtstamp", "flow_keys", "sk"} | {
    f"{end}_ip6_{n}" for end in ("remote", "local") for n in range(4)
}
_KINDS = {"data": FieldKind.PACKET, "data_end": FieldKind.PACKET_END, "data_meta": FieldKind.PACKET_META}


def _typed(fields: list[ContextField]) -> tuple[ContextField, ...]:
    return tuple(
        ContextField(f.name, f.offset, f.size, _KINDS.get(f.name, f.kind), f.given or f.name in _GIVEN, f.whole or f.name in _WHOLE)
        for f in fields
    )


_SK_BUFF = _typed([
    *_sequence("len pkt_type mark queue_mapping protocol vlan_present vlan_tci vlan_proto priority ingress_ifindex ifindex "
               "tc_index cb0 cb1 cb2 cb3 cb4 hash tc_classid data data_end napi_id family remote_ip4 local_ip4", 0),
    *_sequence("remote_ip6_0 remote_ip6_1 remote_ip6_2 remote_ip6_3 local_ip6_0 local_ip6_1 local_ip6_2 local_ip6_3 "
               "remote_port local_port data_meta", 100),
    ContextField("flow_keys", 144, 8, FieldKind.POINTER), ContextField("tstamp", 152, 8), *_sequence("wire_len gso_segs", 160),
    ContextField("sk", 168, 8, FieldKind.POINTER), ContextField("gso_size", 176), ContextField("tstamp_type", 180, 1),
    ContextField("hwtstamp", 184, 8),
    # Loads and stores of eight bytes may span two words of cb: the search comes to this row when no other holds them.
    ContextField("cb", 48, 20, given=True),
])  # fmt: skip
_XDP = _typed(_sequence("data data_end data_meta ingress_ifindex rx_queue_index egress_ifindex", 0, whole=True))

_SOCKET_FIELDS = frozenset(field.name for field in _SK_BUFF if 88 <= field.offset < 140)
_CB = frozenset({"cb", "cb0", "cb1", "cb2", "cb3", "cb4"})

CONTEXTS: dict[ProgramType, Context] = {
    ProgramType.SOCKET_FILTER: Context(
        "__sk_buff", 192, _SK_BUFF, link_header=14, writable=_CB,
        hidden=_SOCKET_FIELDS | {"tc_classid", "data", "data_meta", "data_end", "tstamp", "wire_len", "hwtstamp", "flow_keys",
                                 "tstamp_type"}),
    ProgramType.SCHED_CLS: Context(
        "__sk_buff", 192, _SK_BUFF, hidden=_SOCKET_FIELDS | {"flow_keys"},
        writable=_CB | {"mark", "tc_index", "priority", "tc_classid", "tstamp", "queue_mapping"}),
    ProgramType.XDP: Context("xdp_md", 24, _XDP, hidden=frozenset({"egress_ifindex"})),
}  # fmt: skip
"""By program type; a type that is missing here has a context no oracle models yet."""
