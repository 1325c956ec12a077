"""What calls write to memory."""

from __future__ import annotations

from oracles.reference.events import MapWritten
from oracles.reference.explorer import Explorer
from oracles.reference.overlaps import destroy_overlapped, overlapped
from oracles.reference.registers import is_pointer
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import RegionKind, SymbolicPointer
from oracles.terms.term import Term


def fill(x: Explorer, s: SymbolicState, pointer: SymbolicPointer, size: Term) -> None:
    """Unknown bytes at ``pointer``: what a helper wrote."""
    region = pointer.region
    place = x.constant(s, pointer.offset)
    if region.kind is RegionKind.STACK:
        assert place is not None
        stack = next(f.stack for f in s.frames if f.region is region)
        if isinstance(size, int):
            destroy_overlapped(x, s, stack, place, size)
        elif overlapped(stack, place, 512 - place):
            raise Unmodelled("a helper that may overwrite an object on the stack")
        for at in range(place, place + (size if isinstance(size, int) else 512 - place)):
            if not isinstance(size, int):
                if at in stack.bytes and not is_pointer(stack.bytes[at][0]):
                    stack.store(at, 1, x.chance(s, "helper", 8))
                elif at in stack.bytes:
                    raise Unmodelled("a helper that may overwrite a stored pointer")
                continue
            stack.store(at, 1, x.chance(s, "helper", 8))
    elif region.kind is RegionKind.MAP_VALUE and isinstance(size, int):
        s.note(MapWritten(region, pointer.offset, size, None))
    elif region.kind is RegionKind.CONTEXT:
        s.context.clear()
        s.stored = (*s.stored, (0, 1 << 16))
    elif region.kind is RegionKind.PACKET:
        raise Unmodelled("a helper that writes to the packet, which no kernel lets it")
    s.unpredictable = True
