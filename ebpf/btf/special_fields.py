"""Special fields of a map's value, or of an object of the program's, by their BTF types (kernel/bpf/btf.c,
btf_get_field_type; Linux 6.12)."""

from __future__ import annotations

from ebpf.btf.reader import Btf
from ebpf.btf.types import BtfKind
from ebpf.maps import CONTAINERS, MapField, MapFieldKind

_BY_NAME = {
    "bpf_spin_lock": MapFieldKind.SPIN_LOCK,
    "bpf_timer": MapFieldKind.TIMER,
    "bpf_wq": MapFieldKind.WORKQUEUE,
    "bpf_list_head": MapFieldKind.LIST_HEAD,
    "bpf_list_node": MapFieldKind.LIST_NODE,
    "bpf_rb_root": MapFieldKind.RB_ROOT,
    "bpf_rb_node": MapFieldKind.RB_NODE,
    "bpf_refcount": MapFieldKind.REFCOUNT,
    "bpf_dynptr": MapFieldKind.DYNPTR,
}
_BY_TAG = {"kptr": MapFieldKind.KPTR, "kptr_untrusted": MapFieldKind.KPTR_UNTRUSTED}
CONTAINS = "contains:"
"""The declaration tag of a list or tree names the struct that it holds, and that struct's member which links
it."""


def special_fields(btf: Btf, value: int) -> tuple[MapField, ...]:
    """Those at the top level of the value's struct."""
    struct = btf.stripped(value)
    if struct.kind is not BtfKind.STRUCT:
        return ()
    found = []
    for number, member in enumerate(btf.members(struct)):
        kind = btf.stripped(member.type)
        if kind.kind is BtfKind.STRUCT and kind.name in _BY_NAME:
            field = _BY_NAME[kind.name]
            held = _contained(btf, struct.id, number) if field in CONTAINERS else ""
            found.append(MapField(member.offset, field, held))
        elif kind.kind is BtfKind.PTR:
            tag = btf.type(kind.size_or_type)
            if tag.kind is BtfKind.TYPE_TAG and tag.name in _BY_TAG:
                found.append(MapField(member.offset, _BY_TAG[tag.name], btf.stripped(tag.id).name))
    return tuple(found)


def _contained(btf: Btf, struct: int, member: int) -> str:
    """What the tag of a member says that it holds, as "struct:member"."""
    for tag in btf:
        if (
            tag.kind is BtfKind.DECL_TAG
            and tag.size_or_type == struct
            and tag.name.startswith(CONTAINS)
            and btf.component(tag) == member
        ):
            return tag.name.removeprefix(CONTAINS)
    return ""
