"""Functions of the program that a timer or a work queue calls later: each is a path of its own, from nothing
but what it is given (kernel/bpf/verifier.c: push_async_cb, set_timer_callback_state; Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.maps import MapField, MapFieldKind
from oracles.reference.explorer import Explorer
from oracles.reference.map_kinds import value_region
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.signals import Unmodelled
from oracles.reference.state import Loop, SymbolicFrame, SymbolicState
from oracles.reference.values import UNDEFINED, FrameStack, RegionKind, SymbolicPointer, SymbolicRegion
from oracles.terms.term import equal


@dataclass(frozen=True, slots=True)
class Later:
    """Whoever calls the function does so on his own, and wants 0 of it."""


def field_of(
    x: Explorer, s: SymbolicState, register: int, pointer: SymbolicPointer, kind: MapFieldKind
) -> tuple[int, MapField]:
    """The map, and the timer or work queue in its value that the argument points to (process_timer_func,
    process_wq_func)."""
    region, place = pointer.region, x.constant(s, pointer.offset)
    if region.kind is not RegionKind.MAP_VALUE or region.map is None:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is in no map's value")
    if place is None:
        x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is not at a constant offset")
        raise Unmodelled(f"a {kind.value} at a place that is not known")
    fields = x.facts.maps[region.map].fields
    field = next((f for f in fields if f.kind is kind and f.offset == place), None)
    if field is None:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register}: no {kind.value} is there")
    return region.map, field


def check_map(x: Explorer, s: SymbolicState, inside: int, given: int | None) -> None:
    """The map that R2 is is the one that R1 points into."""
    if inside != given:
        x.violation(s, rules.HELPER_ARGUMENT, "R2 is not the map that R1 points into")


def later(x: Explorer, s: SymbolicState, map_: int, entry: int) -> SymbolicState:
    """The path on which the function at ``entry`` is called for a value of that map."""
    path, spec = s.fork(), x.facts.maps[map_]
    if len(s.frames) > 1:
        raise Unmodelled("a function called later that a function sets")
    x.ledger.later.add(entry)
    stack = SymbolicRegion(RegionKind.STACK, path.number(), o.STACK_SIZE, frame=path.fresh)
    key = SymbolicRegion(RegionKind.MEMORY, path.number(), spec.key_size, writable=False)
    value = value_region(path.number(), map_, spec, f"later {entry}")
    turn = Loop(s.pc, entry, 0, UNDEFINED, Later())
    path.frames = [SymbolicFrame(stack, FrameStack(x.facts.order), entry, None, (), turn)]
    path.references, path.lock, path.sections = {}, None, ()
    path.registers = [UNDEFINED] * 10 + [SymbolicPointer(stack, o.STACK_SIZE)]
    regions = (x.facts.handles[map_], key, value)
    path.registers[1:4] = [SymbolicPointer(region, 0) for region in regions]
    path.unpredictable = s.unpredictable = True
    path.pc = entry
    return path


def end(x: Explorer, s: SymbolicState, turn: Loop) -> None:
    """The function exits; what is wrong with that is said of the call that set it."""
    s.pc = turn.call
    result = read(x, s, 0)
    if s.lock is not None:
        x.violation(s, rules.LOCK_HELD_AT_EXIT, "at a callback's exit")
    if s.sections:
        x.violation(s, rules.SECTION_AT_EXIT, f"inside a {s.sections[-1].value}")
    if s.references:
        x.violation(s, rules.REFERENCE_LEAK, "at a callback's exit")
    if is_pointer(result):
        x.violation(s, rules.RETURN_RANGE, "the callback returned a pointer")
    x.require(s, equal(number(s, result), 0), rules.RETURN_RANGE, "the callback's result")
