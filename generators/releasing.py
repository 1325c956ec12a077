"""Giving back what a program holds."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R1, R2, R10, Register, add64, load, mov64
from ebpf.kfuncs import KFUNCS
from generators.builder import Builder
from generators.resources import Resource, ResourceKind
from generators.state import KnownPointer, PointerKind

RELEASERS: dict[ResourceKind, tuple[str, ...]] = {
    ResourceKind.RECORD: ("ringbuf_discard", "ringbuf_submit"),
    ResourceKind.SOCKET: ("sk_release",),
}
"""By kind of reference: the helpers that take it back in their first argument, simplest first."""
_TAKE_FLAGS = frozenset({"ringbuf_discard", "ringbuf_submit"})


def fetch(b: Builder, into: Register, place: Register | int) -> None:
    """Let a register hold what a register, or the slot at an offset from R10, holds."""
    if isinstance(place, Register):
        if place != into:
            b.emit(mov64(into, place))
    else:
        b.emit(load(o.DW, into, R10, place))


SECTION_ENDS = {
    ResourceKind.RCU: "bpf_rcu_read_unlock", ResourceKind.PREEMPTION: "bpf_preempt_enable",
    ResourceKind.INTERRUPTS: "bpf_local_irq_restore",
}  # fmt: skip
"""By kind of section: the kernel function that ends it."""
STRUCT_RELEASERS: dict[str, str] = {
    function.args[function.releases - 1].struct: function.name
    for function in KFUNCS.values()
    if function.releases is not None and function.object is None
}
"""By structure of the kernel's: the kernel function that takes it back in its first argument."""


def _holder(b: Builder, resource: Resource) -> tuple[Register | int, KnownPointer]:
    """Where the reference lies: the pointer that was acquired, not a view of it."""
    for contents in (b.state.registers, b.state.slots):
        for place, content in contents.items():
            if isinstance(content, KnownPointer) and content.reference == content.id == resource.id:
                return place, content
    raise AssertionError("what is held lies somewhere")


def release(b: Builder, resource: Resource, choice: int = 0) -> None:
    """Give one reference back, by a helper of our choice, or the kernel function that there is for it."""
    if resource.place is not None:
        b.emit(mov64(R1, R10))
        b.emit(add64(R1, resource.place))
    if resource.kind is ResourceKind.DYNPTR:
        b.emit(mov64(R2, 0))
        b.call_helper("ringbuf_discard_dynptr")
        return
    if resource.kind is ResourceKind.ITERATOR:
        b.call_kfunc(f"{resource.name}_destroy")
        return
    if resource.kind in SECTION_ENDS:
        b.call_kfunc(SECTION_ENDS[resource.kind])
        return
    place, pointer = _holder(b, resource)
    fetch(b, R1, place)
    if pointer.kind is PointerKind.OBJECT:
        if pointer.offset:
            b.emit(add64(R1, -pointer.offset))
        b.call_kfunc("bpf_obj_drop_impl")
        return
    if resource.kind is ResourceKind.OBJECT:
        b.call_kfunc(STRUCT_RELEASERS[pointer.struct])
        return
    helpers = RELEASERS[resource.kind]
    helper = helpers[choice % len(helpers)]
    if helper in _TAKE_FLAGS:
        b.emit(mov64(R2, 0))
    b.call_helper(helper)


def release_all(b: Builder, but: tuple[Resource, ...] = (), choice: int = 0) -> None:
    """Give back everything ``but`` what was held before, the newest first."""
    while b.state.held != but:
        release(b, b.state.held[-1], choice)
