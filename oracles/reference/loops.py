"""Loops without end: a path that comes back to the state it was in, having taken nothing from the world
since."""

from __future__ import annotations

from dataclasses import dataclass

import z3

from ebpf import rules
from oracles.reference.explorer import Explorer, PathEnds
from oracles.reference.stack import Byte
from oracles.reference.state import Assumed, Happened, SymbolicState
from oracles.reference.values import Null, SymbolicPointer, SymbolicRegion, Value


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that decides how a path goes on."""

    assumed: Assumed | None
    happened: Happened | None
    lock: tuple[int, int] | None
    references: int
    registers: tuple[Value, ...]
    stacks: tuple[tuple[SymbolicRegion, dict[int, Byte]], ...]

    def same(self, other: Snapshot) -> bool:
        """Surely the same state; of terms only identity counts, which is enough for what a loop leaves
        alone."""
        if self.assumed is not other.assumed or self.happened is not other.happened or not self.alike(other):
            return False
        return all(map(_equal, self.registers, other.registers)) and all(
            map(_same_stack, self.stacks, other.stacks)
        )

    def alike(self, other: Snapshot) -> bool:
        """The same frames, lock and references."""
        frames = [region for region, _ in self.stacks], [region for region, _ in other.stacks]
        return (self.lock, self.references) == (other.lock, other.references) and frames[0] == frames[1]


def snapshot(s: SymbolicState) -> Snapshot:
    """Of the path as it is now."""
    stacks = tuple((frame.region, dict(frame.stack.bytes)) for frame in s.frames)
    return Snapshot(s.assumed, s.happened, s.lock, len(s.references), tuple(s.registers), stacks)


def arrive(x: Explorer, s: SymbolicState, target: int) -> None:
    """Note a jump back to ``target``, and end the path where it was there before in the same state.

    Whatever made the path come round once makes it come round again: the same conditions hold, and no input
    was read.
    """
    now = snapshot(s)
    earlier = s.seen.get(target)
    if earlier is not None and now.same(earlier):
        x.violation(s, rules.INFINITE_LOOP, f"the state at instruction {target} comes again")
    s.seen[target] = now


def head(x: Explorer, s: SymbolicState) -> None:
    """At a ``may_goto``, which goes round as often as nobody knows: the second time whatever changed becomes
    an unknown, and a path that arrives in a state covered by that has nothing new to show.

    The unknowns stand for every number, so that what is safe with them is safe in every round; what is not
    safe with them may be, and no witness of it replays.
    """
    earlier, now = s.heads.get(s.pc), snapshot(s)
    if earlier is None:
        s.heads[s.pc] = now
        return
    if not now.alike(earlier):
        return
    if _covers(x, earlier, now):
        raise PathEnds
    for register, (old, new) in enumerate(zip(earlier.registers, now.registers, strict=True)):
        if not _equal(old, new) and _is_number(old) and _is_number(new):
            s.registers[register] = _unknown(x, s, 64)
    for frame, (_, old_bytes) in zip(s.frames, earlier.stacks, strict=True):
        for at, byte in list(frame.stack.bytes.items()):
            old_byte = old_bytes.get(at)
            if old_byte is None:
                del frame.stack.bytes[at]
            elif not _same_byte(old_byte, byte) and _is_number(old_byte[0]) and _is_number(byte[0]):
                frame.stack.store(at, 1, _unknown(x, s, 8))
    if not x.by_ranges:
        s.certain = (
            False  # an unknown stands for what no round may ever hold, so no rule of policy is surely broken
        )
    s.heads[s.pc] = snapshot(s)


def _covers(x: Explorer, general: Snapshot, special: Snapshot) -> bool:
    """Whether every run from ``special`` is one from ``general``, where nothing was assumed of its
    unknowns."""

    def value(a: Value, c: Value) -> bool:
        return _equal(a, c) or (isinstance(a, z3.BitVecRef) and a.get_id() in x.anything and _is_number(c))

    return all(map(value, general.registers, special.registers)) and all(
        at in those and (_same_byte(byte, those[at]) or value(byte[0], those[at][0]))
        for (_, these), (_, those) in zip(general.stacks, special.stacks, strict=True)
        for at, byte in these.items()
    )


def _unknown(x: Explorer, s: SymbolicState, bits: int) -> z3.BitVecRef:
    made = x.chance(s, "any round", bits)
    x.anything[made.get_id()] = made
    return made


def _is_number(value: Value) -> bool:
    return isinstance(value, int | z3.BitVecRef)


def _same_byte(a: Byte, c: Byte) -> bool:
    return _equal(a[0], c[0]) and a[1:] == c[1:]


def _same_stack(a: tuple[SymbolicRegion, dict[int, Byte]], c: tuple[SymbolicRegion, dict[int, Byte]]) -> bool:
    (region_a, bytes_a), (region_c, bytes_c) = a, c
    return (
        region_a is region_c
        and bytes_a.keys() == bytes_c.keys()
        and all(_same_byte(bytes_a[at], bytes_c[at]) for at in bytes_a)
    )


def _equal(a: Value, c: Value) -> bool:
    if a is c:
        return True
    if isinstance(a, int) and isinstance(c, int):
        return a == c
    if isinstance(a, SymbolicPointer) and isinstance(c, SymbolicPointer):
        return a.region is c.region and _equal(a.offset, c.offset) and (a.check, a.end) == (c.check, c.end)
    return isinstance(a, Null) and isinstance(c, Null) and a == c
