"""Reads and writes that overlap what the kernel keeps on the stack."""

from __future__ import annotations

from oracles.reference.explorer import Explorer
from oracles.reference.state import SymbolicState
from oracles.reference.values import FrameStack, IteratorOnStack, ObjectOnStack, SymbolicRegion


def overlapped(stack: FrameStack, place: int, size: int) -> set[ObjectOnStack]:
    """The objects of which some of these bytes are."""
    values = [stack.bytes[at][0] for at in range(place, place + size) if at in stack.bytes]
    return {value for value in values if isinstance(value, ObjectOnStack)}


def destroy_overlapped(x: Explorer, s: SymbolicState, stack: FrameStack, place: int, size: int) -> None:
    """Objects of which bytes are about to be overwritten are none any more."""
    broken = overlapped(stack, place, size)
    for at in [at for at, (value, _, _) in stack.bytes.items() if broken and value in broken]:
        stack.store(at, 1, x.chance(s, "object", 8))


def is_current(s: SymbolicState, region: SymbolicRegion) -> bool:
    """Whether an iterator is at that element still."""
    values = (value for frame in s.frames for value, _, _ in frame.stack.bytes.values())
    return any(isinstance(value, IteratorOnStack) and value.element is region for value in values)
