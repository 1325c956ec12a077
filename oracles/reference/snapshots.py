"""Whether two states of a path are surely the same."""

from __future__ import annotations

from dataclasses import dataclass

import z3

from ebpf.kfuncs import CodeSection
from oracles.reference.events import Happened
from oracles.reference.values import Byte, Null, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.assumptions import Assumed


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that decides how a path goes on."""

    assumed: Assumed | None
    happened: Happened | None
    lock: tuple[int, int] | None
    sections: tuple[CodeSection, ...]
    references: int
    registers: tuple[Value, ...]
    stacks: tuple[tuple[SymbolicRegion, dict[int, Byte]], ...]

    def same(self, other: Snapshot) -> bool:
        """Surely the same state; of terms only identity counts, which is enough for what a loop leaves
        alone."""
        if self.assumed is not other.assumed or self.happened is not other.happened or not self.alike(other):
            return False
        return all(map(same_value, self.registers, other.registers)) and all(
            map(_same_stack, self.stacks, other.stacks)
        )

    def alike(self, other: Snapshot) -> bool:
        """The same frames, lock, sections and references."""
        frames = [region for region, _ in self.stacks], [region for region, _ in other.stacks]
        held = [(each.lock, each.sections, each.references) for each in (self, other)]
        return held[0] == held[1] and frames[0] == frames[1]


def is_number(value: Value) -> bool:
    return isinstance(value, int | z3.BitVecRef)


def same_byte(a: Byte, c: Byte) -> bool:
    return same_value(a[0], c[0]) and a[1:] == c[1:]


def _same_stack(a: tuple[SymbolicRegion, dict[int, Byte]], c: tuple[SymbolicRegion, dict[int, Byte]]) -> bool:
    (region_a, bytes_a), (region_c, bytes_c) = a, c
    return (
        region_a is region_c
        and bytes_a.keys() == bytes_c.keys()
        and all(same_byte(bytes_a[at], bytes_c[at]) for at in bytes_a)
    )


def same_value(a: Value, c: Value) -> bool:
    if a is c:
        return True
    if isinstance(a, int) and isinstance(c, int):
        return a == c
    if isinstance(a, SymbolicPointer) and isinstance(c, SymbolicPointer):
        return (
            a.region is c.region and same_value(a.offset, c.offset) and (a.check, a.end) == (c.check, c.end)
        )
    return isinstance(a, Null) and isinstance(c, Null) and a == c
