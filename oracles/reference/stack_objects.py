"""What kernel functions keep on the stack: saved flags and iterators (kernel/bpf/verifier.c:
process_irq_flag, process_iter_arg; Linux 6.12)."""

from __future__ import annotations

from dataclasses import replace
from errno import E2BIG, EINVAL
from typing import TypeVar

import z3

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.kfuncs import CodeSection
from ebpf.kfuncs.iterators import ITERATORS, MAX_ROUNDS, IteratorKind
from oracles.reference.argument_memory import memory
from oracles.reference.explorer import Explorer
from oracles.reference.overlaps import destroy_overlapped
from oracles.reference.registers import number
from oracles.reference.results import or_null
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import (
    FrameStack,
    IteratorOnStack,
    Null,
    ObjectOnStack,
    RegionKind,
    SavedFlagsOnStack,
    SymbolicPointer,
    SymbolicRegion,
    Value,
)
from oracles.terms.term import Term, add, extract, mask, sign_extend, symbol, to_signed, z

K = TypeVar("K", bound=ObjectOnStack)


def on_stack(x: Explorer, s: SymbolicState, value: Value, register: int, size: int) -> tuple[FrameStack, int]:
    """Where on which stack an argument points that must be an object's place."""
    if not (isinstance(value, SymbolicPointer) and value.region.kind is RegionKind.STACK):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is not on the stack")
    if not isinstance(value.offset, int):
        raise Unmodelled("an object at a variable place on the stack")
    if value.offset % 8:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is not aligned")
    memory(x, s, register, value, size, reads=False, writes=True, packet=False)
    place = to_signed(value.offset, 64)
    assert 0 <= place <= o.STACK_SIZE - size
    return next(frame.stack for frame in s.frames if frame.region is value.region), place


def make(x: Explorer, s: SymbolicState, value: Value, register: int, made: ObjectOnStack, size: int) -> None:
    """Put an object where none of its kind is."""
    stack, place = on_stack(x, s, value, register, size)
    for at in range(place, place + size):
        if type(stack.bytes.get(at, (0,))[0]) is type(made):
            x.violation(s, rules.HELPER_ARGUMENT, f"R{register}: one is there already")
    destroy_overlapped(x, s, stack, place, size)
    stack.store(place, size, made)


def kept(
    x: Explorer, s: SymbolicState, value: Value, register: int, kind: type[K], size: int
) -> tuple[FrameStack, int, K]:
    """The object that an argument points to."""
    stack, place = on_stack(x, s, value, register, size)
    found = stack.whole(place, size)
    if not isinstance(found, kind):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register}: there is nothing of what it must be")
    return stack, place, found


def _remove(stack: FrameStack, place: int, size: int) -> None:
    for at in range(place, place + size):
        del stack.bytes[at]


def save_flags(x: Explorer, s: SymbolicState, value: Value) -> None:
    """bpf_local_irq_save: the section was begun already."""
    make(x, s, value, 1, SavedFlagsOnStack(s.sections.count(CodeSection.INTERRUPTS)), 8)


def restore_flags(x: Explorer, s: SymbolicState, value: Value) -> None:
    """bpf_local_irq_restore, in the order in which they were saved."""
    stack, place, flags = kept(x, s, value, 1, SavedFlagsOnStack, 8)
    if flags.depth != s.sections.count(CodeSection.INTERRUPTS):
        x.violation(s, rules.SECTION_UNMATCHED, "flags are not restored in the order of their saving")
    _remove(stack, place, 8)


def new_iterator(x: Explorer, s: SymbolicState, name: str, values: list[Value]) -> list[SymbolicState]:
    """The paths on which one was made, R0 set; the call is not over yet."""
    kind = ITERATORS[name]
    reference = s.number()
    held = SymbolicRegion(RegionKind.KERNEL, reference, writable=False, struct=kind.gives)
    if name != "num":
        make(x, s, values[0], 1, IteratorOnStack(name, reference), kind.size)
        s.references[reference] = (held, s.pc)
        s.scratch()
        s.registers[0] = result = symbol(f"bpf_iter_{name}_new!{s.number()}")
        s.note_result(result)
        return [s]
    start, end = (sign_extend(extract(number(s, value), 31, 0), 32) for value in values[1:])
    paths = []
    for path, error in _bounds(x, s, start, end):
        last, stop = (0, 0) if error else (add(start, mask(64)), end)
        make(x, path, values[0], 1, IteratorOnStack(name, reference, last, stop), kind.size)
        path.references[reference] = (held, path.pc)
        path.scratch()
        path.registers[0] = _int(x, path, error)
        paths.append(path)
    return paths


def _bounds(x: Explorer, s: SymbolicState, start: Term, end: Term) -> list[tuple[SymbolicState, int]]:
    """The paths, and with what bpf_iter_num_new fails on each (0: nothing)."""
    if isinstance(start, int) and isinstance(end, int):
        rounds = to_signed(end, 64) - to_signed(start, 64)
        return [(s, EINVAL if rounds < 0 else E2BIG if rounds > MAX_ROUNDS else 0)]
    found = []
    wrong, right = x.branch(s, z(start) > z(end))
    if wrong is not None:
        found.append((wrong, EINVAL))
    if right is not None:
        many, few = x.branch(right, z(end) - z(start) > MAX_ROUNDS)
        found += [(path, error) for path, error in ((many, E2BIG), (few, 0)) if path is not None]
    return found


def _int(x: Explorer, s: SymbolicState, error: int) -> Term:
    """What an int is in R0: nothing is said of the bits above it where it is negative."""
    if not error:
        return 0
    return z3.Concat(x.chance(s, "int", 32), z3.BitVecVal(-error & mask(32), 32))


def next_element(x: Explorer, s: SymbolicState, name: str, value: Value) -> list[SymbolicState]:
    """The paths with what the next step gave, R0 set; where it gives something, kernels want a comparison
    with null all the same, as they never know how many steps are left."""
    kind = ITERATORS[name]
    stack, place, iterator = _iterator(x, s, kind, value)
    s.scratch()
    if name != "num":
        held = None if kind.gives else iterator.reference
        return or_null(x, s, _element(s, kind), False, held)
    following = add(iterator.last, 1)
    more, done = x.branch(s, _less(following, iterator.end))
    paths = []
    for path, goes_on in ((more, True), (done, False)):
        if path is None:
            continue
        mine = stack if path is s else _iterator(x, path, kind, value)[0]
        check = path.number()
        if goes_on:
            region = SymbolicRegion(RegionKind.MEMORY, path.number(), 4, writable=False, content=following)
            mine.store(place, kind.size, replace(iterator, last=following, element=region))
            path.registers[0] = SymbolicPointer(region, 0, check, reference=iterator.reference)
        else:
            mine.store(place, kind.size, replace(iterator, last=0, end=0, element=None))
            path.registers[0] = Null(check, RegionKind.MEMORY)
        paths.append(path)
    return paths


def _less(a: Term, b: Term) -> bool | z3.BoolRef:
    if isinstance(a, int) and isinstance(b, int):
        return to_signed(a, 64) < to_signed(b, 64)
    return z(a) < z(b)


def _element(s: SymbolicState, kind: IteratorKind) -> SymbolicRegion:
    if kind.gives:
        return SymbolicRegion(RegionKind.KERNEL, s.number(), writable=False, struct=kind.gives)
    return SymbolicRegion(RegionKind.MEMORY, s.number(), 4, writable=False)


def destroy_iterator(x: Explorer, s: SymbolicState, name: str, value: Value) -> int:
    """The reference that it held, which the caller gives back."""
    kind = ITERATORS[name]
    stack, place, iterator = _iterator(x, s, kind, value)
    _remove(stack, place, kind.size)
    return iterator.reference


def _iterator(
    x: Explorer, s: SymbolicState, kind: IteratorKind, value: Value
) -> tuple[FrameStack, int, IteratorOnStack]:
    stack, place, iterator = kept(x, s, value, 1, IteratorOnStack, kind.size)
    if iterator.kind != kind.name:
        x.violation(s, rules.HELPER_ARGUMENT, f"R1 is a {iterator.kind} iterator")
    return stack, place, iterator
