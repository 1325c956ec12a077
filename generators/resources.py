"""What a program holds at a point and must give back before it exits: references, locks, sections of code,
and objects on the stack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ResourceKind(Enum):
    """A kind of resource, by what it is."""

    RECORD = "record of a ring buffer"
    SOCKET = "reference to a socket"
    OBJECT = "reference to a kernel object"
    LOCK = "spin lock"
    RCU = "RCU read-side critical section"
    PREEMPTION = "section without preemption"
    INTERRUPTS = "section without interrupts"
    DYNPTR = "dynptr on the stack that has a reference"
    ITERATOR = "iterator on the stack"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource that is held."""

    kind: ResourceKind
    id: int
    """Pointers with this ``reference`` are what the program knows of it."""
    place: int | None = None
    """Where it lies on the stack, as an offset from R10."""
    name: str = ""
    """Of an iterator: its kind."""


SECTIONS = frozenset({ResourceKind.RCU, ResourceKind.PREEMPTION, ResourceKind.INTERRUPTS})
"""Nothing in them may sleep."""


class FrameOwner(Enum):
    """Whose frame the program is in."""

    MAIN = "the program's own"
    STATIC = "a static function's"
    GLOBAL = "a global function's"
    CALLBACK = "a callback's"
