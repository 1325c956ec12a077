"""Special fields of a map's value by their BTF types (kernel/bpf/btf.c, btf_get_field_type; Linux 6.12)."""

from __future__ import annotations

from ebpf.btf import Btf, BtfKind
from ebpf.maps import MapField, MapFieldKind

_BY_NAME = {
    "bpf_spin_lock": MapFieldKind.SPIN_LOCK,
    "bpf_timer": MapFieldKind.TIMER,
    "bpf_wq": MapFieldKind.WORKQUEUE,
    "bpf_list_head": MapFieldKind.LIST_HEAD,
    "bpf_rb_root": MapFieldKind.RB_ROOT,
    "bpf_dynptr": MapFieldKind.DYNPTR,
}
_BY_TAG = {"kptr": MapFieldKind.KPTR, "kptr_untrusted": MapFieldKind.KPTR_UNTRUSTED}


def special_fields(btf: Btf, value: int) -> tuple[MapField, ...]:
    """Those at the top level of the value's struct."""
    struct = btf.stripped(value)
    if struct.kind is not BtfKind.STRUCT:
        return ()
    found = []
    for member in btf.members(struct):
        kind = btf.stripped(member.type)
        if kind.kind is BtfKind.STRUCT and kind.name in _BY_NAME:
            found.append(MapField(member.offset, _BY_NAME[kind.name]))
        elif kind.kind is BtfKind.PTR:
            tag = btf.type(kind.size_or_type)
            if tag.kind is BtfKind.TYPE_TAG and tag.name in _BY_TAG:
                found.append(MapField(member.offset, _BY_TAG[tag.name], btf.stripped(tag.id).name))
    return tuple(found)
