"""Helpers that call the program back, one iteration after the other: bpf_loop, bpf_for_each_map_elem."""

from __future__ import annotations

from dataclasses import dataclass
from errno import E2BIG, EBUSY, EINVAL, ENOENT

import z3

from ebpf import rules
from oracles.reference import frames
from oracles.reference.argument_values import Arguments
from oracles.reference.events import Chance, Scripted
from oracles.reference.explorer import Explorer
from oracles.reference.map_kinds import ARRAYS, value_region
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.state import Loop, SymbolicState
from oracles.reference.values import UNDEFINED, RegionKind, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.term import Term, equal, mask, negation, symbol

MAX_LOOPS = 8 * 1024 * 1024
"""BPF_MAX_LOOPS, include/linux/bpf.h."""


@dataclass(frozen=True, slots=True)
class Elements:
    """What a loop goes over: the elements of map number ``map``."""

    map: int


@dataclass(frozen=True, slots=True)
class Area:
    """What bpf_find_vma goes over: the one area of a task's memory, if it is there."""

    task: Value


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the kernel function ``name`` goes over: objects of a tree, ``size`` bytes of ``struct`` linked at
    ``link``, that are compared with the one that is ``added``.  The function that does it has no memory, so
    that all it can do shows with one."""

    name: str
    struct: str
    size: int
    link: int
    added: SymbolicRegion


def loop(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_loop(nr_loops, callback, context, flags)."""
    count, _, argument, flags = found.values[:4]
    assert found.function is not None
    number_ = number(s, count)
    turns: Term = (
        number_ & 0xFFFF_FFFF if isinstance(number_, int) else z3.ZeroExt(32, z3.Extract(31, 0, number_))
    )
    bad, s_or_none = x.branch(s, negation(equal(number(s, flags), 0)))
    paths = _fails(bad, EINVAL)
    if s_or_none is None:
        return paths
    over, s_or_none = x.branch(
        s_or_none, turns > MAX_LOOPS if isinstance(turns, int) else z3.UGT(turns, MAX_LOOPS)
    )
    paths += _fails(over, E2BIG)
    if s_or_none is not None:
        turn = Loop(s_or_none.pc, found.function, 0, argument, turns)
        paths = [*call_next(x, s_or_none, turn), *paths]
    return paths


def _fails(s: SymbolicState | None, errno: int) -> list[SymbolicState]:
    """The path on which the helper calls nothing back, where there is one."""
    if s is None:
        return []
    s.scratch()
    s.registers[0] = -errno & mask(64)
    s.pc += 1
    return [s]


def for_each(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_for_each_map_elem(map, callback, context, flags): callback(map, key, value, context) for each
    element there is."""
    assert found.function is not None
    assert found.map is not None
    spec = x.facts.maps[found.map]
    argument, flags = found.values[2:4]
    bad, going = x.branch(s, negation(equal(number(s, flags), 0)))
    paths = _fails(bad, EINVAL)
    if going is not None:
        if spec.type not in ARRAYS:
            going.unpredictable = True
        paths = [
            *call_next(x, going, Loop(going.pc, found.function, 0, argument, Elements(found.map))),
            *paths,
        ]
    return paths


def find_vma(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_find_vma(task, address, callback, context, flags)."""
    assert found.function is not None
    argument, flags = found.values[3:5]
    bad, going = x.branch(s, negation(equal(number(s, flags), 0)))
    paths = _fails(bad, EINVAL)
    if going is not None:
        turn = Loop(going.pc, found.function, 0, argument, Area(found.values[0]))
        paths = [*call_next(x, going, turn), *paths]
    return paths


def _more(x: Explorer, s: SymbolicState, turn: Loop) -> tuple[SymbolicState | None, SymbolicState | None]:
    """The path on which there is another iteration, and the one on which there is not."""
    if isinstance(turn.extra, Elements):
        spec = x.facts.maps[turn.extra.map]
        if spec.type in ARRAYS:
            return (s, None) if turn.iteration < spec.max_entries else (None, s)
        if turn.iteration >= spec.max_entries:
            return None, s
        more = s.fork()
        more.note(Chance("elements"))
        return more, s
    if isinstance(turn.extra, Comparison):
        if turn.iteration:
            return None, s
        more = s.fork()
        more.note(Scripted(1))
        s.note(Scripted(0))
        return more, s
    if isinstance(turn.extra, Area):
        if turn.iteration:
            return None, s
        more = s.fork()
        more.note(Scripted(0))
        return more, s
    turns = turn.extra
    assert isinstance(turns, int | z3.BitVecRef)
    return x.branch(s, turn.iteration < turns if isinstance(turns, int) else z3.ULT(turn.iteration, turns))


def _arguments(x: Explorer, s: SymbolicState, turn: Loop) -> list[Value]:
    """R1 to R5 of the callback."""
    if isinstance(turn.extra, Comparison):
        tree = turn.extra
        other = SymbolicRegion(RegionKind.OBJECT, s.number(), tree.size, struct=tree.struct)
        both = [SymbolicPointer(region, tree.link) for region in (tree.added, other)]
        return [*both, UNDEFINED, UNDEFINED, UNDEFINED]
    if isinstance(turn.extra, Area):
        area = SymbolicRegion(RegionKind.KERNEL, s.number(), writable=False, struct="vm_area_struct")
        return [turn.extra.task, SymbolicPointer(area, 0), turn.argument, UNDEFINED, UNDEFINED]
    if not isinstance(turn.extra, Elements):
        return [turn.iteration, turn.argument, UNDEFINED, UNDEFINED, UNDEFINED]
    index = turn.extra.map
    spec = x.facts.maps[index]
    key = SymbolicRegion(RegionKind.MEMORY, s.number(), spec.key_size, writable=False)
    value = value_region(s.number(), index, spec, f"element {turn.iteration}")
    return [
        SymbolicPointer(x.facts.handles[index], 0),
        SymbolicPointer(key, 0),
        SymbolicPointer(value, 0),
        turn.argument,
        UNDEFINED,
    ]


def call_next(x: Explorer, s: SymbolicState, turn: Loop) -> list[SymbolicState]:
    """The next iteration, the first one too, or the end of the loop; the current frame is the caller's."""
    more, done = _more(x, s, turn)
    paths = []
    if more is not None:
        more.registers[1:6] = _arguments(x, more, turn)
        frames.enter(
            x,
            more,
            turn.entry,
            turn.call,
            Loop(turn.call, turn.entry, turn.iteration, turn.argument, turn.extra),
        )
        paths.append(more)
    if done is not None:
        paths.append(_end(done, turn, turn.iteration))
    return paths


def _end(s: SymbolicState, turn: Loop, calls: int) -> SymbolicState:
    """The helper returns after so many calls."""
    s.scratch()
    s.registers[0] = calls
    if isinstance(turn.extra, Area):
        s.registers[0] = 0 if calls else _not_found(s)
    if isinstance(turn.extra, Comparison):
        set_linked(s, turn.extra.name)
    s.pc = turn.call + 1
    return s


def _not_found(s: SymbolicState) -> z3.BitVecRef:
    """The error that bpf_find_vma gives."""
    result = symbol(f"find_vma!{s.number()}")
    s.assume(z3.Or(result == -ENOENT & mask(64), result == -EBUSY & mask(64)))
    s.model = None
    s.note(Scripted(result))
    return result


def set_linked(s: SymbolicState, name: str) -> None:
    """R0 is 0, or says that the object was in another list or tree."""
    s.registers[0] = result = symbol(f"{name}!{s.number()}")
    s.note(Scripted(result))


def called_back(x: Explorer, s: SymbolicState, turn: Loop) -> list[SymbolicState]:
    """A callback exits: R0 says whether the loop goes on."""
    result = read(x, s, 0)
    if is_pointer(result):
        x.violation(s, rules.RETURN_RANGE, "the callback returned a pointer")
    bits = number(s, result)
    x.require(
        s,
        0 <= bits <= 1 if isinstance(bits, int) else z3.ULE(bits, 1),
        rules.RETURN_RANGE,
        "the callback's result",
    )
    frames.pop(s)
    s.scratch()
    stop, on = x.branch(s, bits != 0)
    paths = []
    if on is not None:
        paths += call_next(x, on, Loop(turn.call, turn.entry, turn.iteration + 1, turn.argument, turn.extra))
    if stop is not None:
        paths.append(_end(stop, turn, turn.iteration + 1))
    return paths
