"""Loops without end: a path that comes back to the state it was in, having taken nothing from the world
since."""

from __future__ import annotations

import z3

from ebpf import rules
from oracles.reference.explorer import Explorer
from oracles.reference.signals import PathEnds
from oracles.reference.snapshots import Snapshot, is_number, same_byte, same_value
from oracles.reference.state import SymbolicState
from oracles.reference.values import Value


def arrive(x: Explorer, s: SymbolicState, target: int) -> None:
    """Note a jump back to ``target``, and end the path where it was there before in the same state.

    Whatever made the path come round once makes it come round again: the same conditions hold, and no input
    was read.
    """
    now = s.snapshot()
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
    earlier, now = s.heads.get(s.pc), s.snapshot()
    if earlier is None:
        s.heads[s.pc] = now
        return
    if not now.alike(earlier):
        return
    if _covers(x, earlier, now):
        raise PathEnds
    for register, (old, new) in enumerate(zip(earlier.registers, now.registers, strict=True)):
        if not same_value(old, new) and is_number(old) and is_number(new):
            s.registers[register] = _unknown(x, s, 64)
    for frame, (_, old_bytes) in zip(s.frames, earlier.stacks, strict=True):
        for at, byte in list(frame.stack.bytes.items()):
            old_byte = old_bytes.get(at)
            if old_byte is None:
                del frame.stack.bytes[at]
            elif not same_byte(old_byte, byte) and is_number(old_byte[0]) and is_number(byte[0]):
                frame.stack.store(at, 1, _unknown(x, s, 8))
    if not x.by_ranges:
        s.certain = (
            False  # an unknown stands for what no round may ever hold, so no rule of policy is surely broken
        )
    s.heads[s.pc] = s.snapshot()


def _covers(x: Explorer, general: Snapshot, special: Snapshot) -> bool:
    """Whether every run from ``special`` is one from ``general``, where nothing was assumed of its
    unknowns."""

    def value(a: Value, c: Value) -> bool:
        return same_value(a, c) or (
            isinstance(a, z3.BitVecRef) and a.get_id() in x.ledger.anything and is_number(c)
        )

    return all(map(value, general.registers, special.registers)) and all(
        at in those and (same_byte(byte, those[at]) or value(byte[0], those[at][0]))
        for (_, these), (_, those) in zip(general.stacks, special.stacks, strict=True)
        for at, byte in these.items()
    )


def _unknown(x: Explorer, s: SymbolicState, bits: int) -> z3.BitVecRef:
    made = x.chance(s, "any round", bits)
    x.ledger.anything[made.get_id()] = made
    return made
