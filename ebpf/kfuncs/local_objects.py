"""Objects of the program's own: made of a struct of its BTF, held, linked into lists and trees beside a lock,
and dropped (kernel/bpf/helpers.c: bpf_obj_new_impl and those that follow; Linux 6.12)."""

from __future__ import annotations

from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.prototype import KernelArg, KernelFunction, ObjectUse
from ebpf.kfuncs.prototype import KernelArgKind as A

_IGNORED, _NUMBER, _OBJECT = KernelArg(A.IGNORED), KernelArg(A.NUMBER), KernelArg(A.LOCAL_OBJECT)
_HEAD, _ROOT = KernelArg(A.LIST_HEAD), KernelArg(A.RB_ROOT)
_LINK, _LEAF = KernelArg(A.LIST_NODE), KernelArg(A.RB_NODE)


def _row(
    name: str,
    use: ObjectUse,
    *args: KernelArg,
    nullable: bool = False,
    acquires: bool = False,
    releases: int | None = None,
    void: bool = False,
) -> KernelFunction:
    return KernelFunction(
        f"bpf_{name}",
        args,
        Hook.GENERIC,
        nullable=nullable,
        acquires=acquires,
        releases=releases,
        void=void,
        object=use,
    )


ROWS = (
    _row("obj_new_impl", ObjectUse.NEW, KernelArg(A.LOCAL_TYPE), _IGNORED, nullable=True, acquires=True),
    _row("obj_drop_impl", ObjectUse.DROP, _OBJECT, _IGNORED, releases=1, void=True),
    _row("refcount_acquire_impl", ObjectUse.COUNT, _OBJECT, _IGNORED, nullable=True, acquires=True),
    _row("list_push_front_impl", ObjectUse.PUSH_FRONT, _HEAD, _LINK, _IGNORED, _NUMBER),
    _row("list_push_back_impl", ObjectUse.PUSH_BACK, _HEAD, _LINK, _IGNORED, _NUMBER),
    _row("list_pop_front", ObjectUse.POP_FRONT, _HEAD, nullable=True, acquires=True),
    _row("list_pop_back", ObjectUse.POP_BACK, _HEAD, nullable=True, acquires=True),
    _row("rbtree_add_impl", ObjectUse.ADD, _ROOT, _LEAF, KernelArg(A.CALLBACK), _IGNORED, _NUMBER),
    _row("rbtree_first", ObjectUse.FIRST, _ROOT, nullable=True),
    _row("rbtree_remove", ObjectUse.REMOVE, _ROOT, _LEAF, nullable=True, acquires=True),
)
LINKING = frozenset({
    ObjectUse.PUSH_FRONT, ObjectUse.PUSH_BACK, ObjectUse.POP_FRONT, ObjectUse.POP_BACK, ObjectUse.ADD,
    ObjectUse.FIRST, ObjectUse.REMOVE,
})  # fmt: skip
"""What is about a list or tree, and so wants the lock beside it (is_bpf_graph_api_kfunc)."""
MAY_BE_LOCKED = frozenset(row.name for row in ROWS if row.object in LINKING | {ObjectUse.COUNT}) | {
    "bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy",
}  # fmt: skip
"""Kernel functions that may be called while a lock is held (kfunc_spin_allowed)."""
