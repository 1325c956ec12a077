"""Loops without end: a path that comes back to the state it was in, having taken nothing from the world since."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf import rules
from oracles.reference.explorer import Explorer
from oracles.reference.stack import Byte
from oracles.reference.state import Assumed, Happened, State
from oracles.reference.values import Null, Pointer, Region, Value


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that decides how a path goes on."""

    assumed: Assumed | None
    happened: Happened | None
    lock: tuple[int, int] | None
    references: int
    registers: tuple[Value, ...]
    stacks: tuple[tuple[Region, dict[int, Byte]], ...]

    def same(self, other: Snapshot) -> bool:
        """Surely the same state; of terms only identity counts, which is enough for what a loop leaves alone."""
        if self.assumed is not other.assumed or self.happened is not other.happened:
            return False
        if (self.lock, self.references, len(self.stacks)) != (other.lock, other.references, len(other.stacks)):
            return False
        return all(map(_equal, self.registers, other.registers)) and all(map(_same_stack, self.stacks, other.stacks))


def arrive(x: Explorer, s: State, target: int) -> None:
    """Note a jump back to ``target``, and end the path where it was there before in the same state.

    Whatever made the path come round once makes it come round again: the same conditions hold, and no input was read.
    """
    stacks = tuple((frame.region, dict(frame.stack.bytes)) for frame in s.frames)
    now = Snapshot(s.assumed, s.happened, s.lock, len(s.references), tuple(s.registers), stacks)
    earlier = s.seen.get(target)
    if earlier is not None and now.same(earlier):
        x.violation(s, rules.INFINITE_LOOP, f"the state at instruction {target} comes again")
    s.seen[target] = now


def _same_stack(a: tuple[Region, dict[int, Byte]], c: tuple[Region, dict[int, Byte]]) -> bool:
    (region_a, bytes_a), (region_c, bytes_c) = a, c
    return (
        region_a is region_c
        and bytes_a.keys() == bytes_c.keys()
        and all(_equal(bytes_a[at][0], bytes_c[at][0]) and bytes_a[at][1:] == bytes_c[at][1:] for at in bytes_a)
    )


def _equal(a: Value, c: Value) -> bool:
    if a is c:
        return True
    if isinstance(a, int) and isinstance(c, int):
        return a == c
    if isinstance(a, Pointer) and isinstance(c, Pointer):
        return a.region is c.region and _equal(a.offset, c.offset) and (a.check, a.end) == (c.check, c.end)
    return isinstance(a, Null) and isinstance(c, Null) and a == c
