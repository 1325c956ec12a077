"""The structs that generated programs make objects of: the same in each, so that their ids are."""

from __future__ import annotations

from ebpf.btf.builder import BtfBuilder
from ebpf.btf.local_types import LocalType, local_types

_SIZES = {"bpf_list_node": 24, "bpf_rb_node": 32, "bpf_refcount": 4}
_NUMBER = "__u64"
_MEMBERS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "veridiff_plain": (("key", _NUMBER, 0), ("data", _NUMBER, 8)),
    "veridiff_item": (("link", "bpf_list_node", 0), ("key", _NUMBER, 24), ("data", _NUMBER, 32)),
    "veridiff_leaf": (("key", _NUMBER, 0), ("link", "bpf_rb_node", 8), ("data", _NUMBER, 40)),
    "veridiff_shared": (
        ("key", _NUMBER, 0), ("item", "bpf_list_node", 8), ("leaf", "bpf_rb_node", 32),
        ("count", "bpf_refcount", 64),
    ),
}  # fmt: skip
"""By struct: name, type and offset of each member."""


def declare_local_types(types: BtfBuilder) -> None:
    """Append them to BTF that has nothing yet."""
    ids = {name: types.struct(name, size, []) for name, size in _SIZES.items()}
    ids[_NUMBER] = types.integer(_NUMBER, 8)
    for struct, members in _MEMBERS.items():
        end = max(offset + _SIZES.get(kind, 8) for _, kind, offset in members)
        types.struct(struct, end + -end % 8, [(name, ids[kind], offset) for name, kind, offset in members])


def _declared() -> dict[str, LocalType]:
    types = BtfBuilder()
    declare_local_types(types)
    return {each.name: each for each in local_types(types.build()) if each.name in _MEMBERS}


LOCAL_TYPES = _declared()
PLAIN, ITEM, LEAF, SHARED = LOCAL_TYPES.values()
BY_ID = {each.id: each for each in LOCAL_TYPES.values()}
