"""The context as the reference verifier sees it: which accesses a program type allows, and what they give."""

from __future__ import annotations

from ebpf import rules
from ebpf.contexts import CONTEXTS, FieldKind
from oracles.reference.events import ContextRead
from oracles.reference.explorer import Explorer, Unmodelled
from oracles.reference.registers import is_pointer, number
from oracles.reference.state import State
from oracles.reference.terms import Term, extract, mask, symbol, to_signed, zero_extend
from oracles.reference.values import Pointer, Value


def _place(x: Explorer, s: State, pointer: Pointer, offset: int) -> int:
    """Where in the context, which must be known; kernels also want the pointer itself not moved."""
    moved = x.constant(s, pointer.offset)
    if moved is None:
        x.refuse(s, rules.CONTEXT_MODIFIED, "by an unknown distance")
        raise Unmodelled("a context access at an unknown offset")
    if moved:
        x.refuse(s, rules.CONTEXT_MODIFIED, f"by {to_signed(moved, 64)}")
    return to_signed(moved + offset & mask(64), 64)


def load(x: Explorer, s: State, pointer: Pointer, offset: int, size: int) -> Value:
    """``size`` bytes of the context."""
    at = _place(x, s, pointer, offset)
    layout = CONTEXTS.get(x.program.type)
    if layout is None:
        raise Unmodelled(f"the context of {x.program.type.name.lower()}")
    if at % size:
        x.refuse(s, rules.MISALIGNED, "context")
    field = layout.field_at(at, size)
    if field is None or field.name in layout.hidden or (field.whole and size != field.size) or at % size:
        x.violation(s, rules.CONTEXT_BOUNDS, f"{size} bytes at ctx{at:+d}")
    if field.kind in (FieldKind.PACKET, FieldKind.PACKET_META):
        assert s.packet is not None
        return Pointer(s.packet, 0)
    if field.kind is FieldKind.PACKET_END:
        assert s.packet is not None
        return Pointer(s.packet, s.packet.size, end=True)
    if field.kind is FieldKind.POINTER:
        raise Unmodelled(f"the kernel pointer {field.name} of the context")
    known = s.context.get((at, size))
    if known is None:
        fresh: Term = zero_extend(symbol(f"ctx{at}!{s.number()}", 8 * size), 8 * size)
        s.note(ContextRead(at, size, fresh))
        s.context[at, size] = known = fresh
    return known


def store(x: Explorer, s: State, pointer: Pointer, offset: int, size: int, value: Value) -> None:
    """Store to the context."""
    at = _place(x, s, pointer, offset)
    layout = CONTEXTS.get(x.program.type)
    if layout is None:
        raise Unmodelled(f"the context of {x.program.type.name.lower()}")
    if is_pointer(value) and not x.privileged:
        x.refuse(s, rules.POINTER_LEAK, "into the context")
    field = layout.field_at(at, size)
    if field is None or field.name not in layout.writable or at % size:
        x.violation(s, rules.CONTEXT_BOUNDS, f"{size} bytes written at ctx{at:+d}")
    bits = number(s, value)
    for place, width in list(s.context):
        if place < at + size and at < place + width:
            del s.context[place, width]
    s.context[at, size] = zero_extend(extract(bits, 8 * size - 1, 0), 8 * size)


def load_socket(x: Explorer, s: State, pointer: Pointer, offset: int, size: int) -> Value:
    """A field of a socket."""
    raise Unmodelled(f"fields of {pointer.region.kind.value}")


