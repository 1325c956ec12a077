"""What productions need of the program so far, and what they give to those that follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ebpf.isa.build import R6
from ebpf.program_rules import LEGACY_LOADS, PACKET_WRITERS
from generators.builder import Builder
from generators.layout import INPUT_BASE, SPILL_SLOTS
from generators.state import CONTEXT, KnownPointer, Number, PointerKind


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A precondition of productions."""

    statement: str
    holds: Callable[[Builder], bool]


def _has_scalar(b: Builder) -> bool:
    return Number in map(type, b.state.registers.values())


def _has_target(b: Builder) -> bool:
    return bool(b.state.targets()) if b.state.pinned else _has_scalar(b)


def _has_free(b: Builder) -> bool:
    # What is pinned is in use, so a register that is not in use is free.
    return len(b.state.registers) < 10 or bool(b.state.free())


def _has_saved_free(b: Builder) -> bool:
    return any(r > 5 for r in b.state.free())


def _points_to(kind: PointerKind) -> Callable[[Builder], bool]:
    def holds(b: Builder) -> bool:
        contents = b.state.registers.values()
        return any([type(c) is KnownPointer and c.kind is kind and not c.nullable for c in contents])  # noqa: C419

    return holds


JIT: Final = Condition("the kernel has a JIT", lambda b: b.profile.jit)
SCALAR: Final = Condition("a register holds a scalar", _has_scalar)
TARGET: Final = Condition("a register holds a scalar, and may be overwritten", _has_target)
FREE: Final = Condition("a register may be overwritten", _has_free)
SAVED_FREE: Final = Condition("a register that calls preserve may be overwritten", _has_saved_free)
INPUT: Final = Condition("64 bytes of input lie on the stack", lambda b: INPUT_BASE in b.state.slots)
SPILLED: Final = Condition(
    "a slot for spills is written", lambda b: not b.state.slots.keys().isdisjoint(SPILL_SLOTS)
)
CONTEXT_HELD: Final = Condition("a register holds the context", _points_to(PointerKind.CONTEXT))
CONTEXT_IN_R6: Final = Condition("R6 holds the context", lambda b: b.state.registers.get(R6) == CONTEXT)
MAP_VALUE: Final = Condition("a register points into a map's value", _points_to(PointerKind.MAP_VALUE))
PACKET: Final = Condition("a register points into the packet", _points_to(PointerKind.PACKET))
PACKET_END: Final = Condition("a register points to the packet's end", _points_to(PointerKind.PACKET_END))
MAY_CALL: Final = Condition(
    "no register that a call scratches is needed", lambda b: not any(r < 6 for r in b.state.pinned)
)
PRIVILEGED: Final = Condition("the program is loaded with privilege", lambda b: b.privileged)
HAS_GOALS: Final = Condition("the program is one that reaches goals", lambda b: b.goals)
HAS_AIMS: Final = Condition("every callee gets its turn", lambda b: b.aims)
OUTSIDE_LOOPS: Final = Condition("no loop is open", lambda b: not (b.open and b.in_loop()))
TOP_LEVEL: Final = Condition("neither a block nor a loop is open", lambda b: not b.open)
NOTHING_HELD: Final = Condition("nothing is held that must be given back", lambda b: not b.state.held)
HAS_LEGACY_LOADS: Final = Condition("the type has legacy packet loads", lambda b: b.type in LEGACY_LOADS)
WRITES_PACKET: Final = Condition("the type may write to the packet", lambda b: b.type in PACKET_WRITERS)
