"""Giving back what a program holds."""

from __future__ import annotations

from ebpf.isa.build import R1, R2, Register, mov64
from generators.builder import Builder
from generators.resources import Resource, ResourceKind
from generators.state import KnownPointer

RELEASERS: dict[ResourceKind, tuple[str, ...]] = {
    ResourceKind.RECORD: ("ringbuf_discard", "ringbuf_submit"),
    ResourceKind.SOCKET: ("sk_release",),
}
"""By kind of reference: the helpers that take it back in their first argument, simplest first."""
_TAKE_FLAGS = frozenset({"ringbuf_discard", "ringbuf_submit"})


def holder(b: Builder, resource: Resource) -> Register | None:
    """A register that holds the reference."""
    for register, content in b.state.registers.items():
        if isinstance(content, KnownPointer) and content.reference == resource.id:
            return register
    return None


def release(b: Builder, resource: Resource, choice: int = 0) -> None:
    """Give one reference back, by a helper of our choice."""
    helpers = RELEASERS[resource.kind]
    helper = helpers[choice % len(helpers)]
    register = holder(b, resource)
    assert register is not None, "a reference that is held lies in a register"
    if register != R1:
        b.emit(mov64(R1, register))
    if helper in _TAKE_FLAGS:
        b.emit(mov64(R2, 0))
    b.call_helper(helper)


def release_all(b: Builder) -> None:
    """Give everything back, the newest first."""
    while b.state.held:
        release(b, b.state.held[-1])
