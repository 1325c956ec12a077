"""What kernel functions keep on the stack: saved flags and iterators (kernel/bpf/verifier.c:
process_irq_flag, process_iter_arg; Linux 6.12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from errno import E2BIG, EINVAL
from typing import TypeVar

import z3

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.kfuncs import CodeSection
from ebpf.kfuncs.iterators import ITERATORS, MAX_ROUNDS, MAX_WORDS, IteratorKind
from oracles.reference.argument_memory import content, memory
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
_Made = tuple[SymbolicState, IteratorOnStack, int | None]
"""A path with an iterator made, and with what the call fails on it (0: nothing; None: not known)."""


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
    made = IteratorOnStack(name, reference)
    if name == "num":
        paths = list(_new_numbers(x, s, made, *(_signed(s, value) for value in values[1:])))
    elif name == "bits":
        paths = [_new_bits(x, s, made, values[2])]
    else:
        paths = [(s, made, None)]
    for path, iterator, error in paths:
        make(x, path, values[0], 1, iterator, kind.size)
        path.references[reference] = (held, path.pc)
        path.scratch()
        if error is None:
            path.registers[0] = result = symbol(f"bpf_iter_{name}_new!{path.number()}")
            path.note_result(result)
        else:
            path.registers[0] = _int(x, path, error)
    return [path for path, _, _ in paths]


def _signed(s: SymbolicState, value: Value) -> Term:
    """An int, as 64 bits."""
    return sign_extend(extract(number(s, value), 31, 0), 32)


def _new_numbers(
    x: Explorer, s: SymbolicState, made: IteratorOnStack, start: Term, end: Term
) -> Iterator[_Made]:
    for path, error in _bounds(x, s, start, end):
        yield path, made if error else replace(made, last=add(start, mask(64)), end=end), error


def _new_bits(x: Explorer, s: SymbolicState, made: IteratorOnStack, count: Value) -> _Made:
    """bpf_iter_bits_new (kernel/bpf/helpers.c, Linux 6.12): the bits that are set in so many words of 64, as
    they are now.  What may fail, for want of memory or of words that can be read, has a result that nobody
    knows."""
    words, place = x.constant(s, extract(number(s, count), 31, 0)), s.registers[2]
    if words is None:
        return s, made, None
    missing = not words or isinstance(place, Null) or place == 0
    error = EINVAL if missing else E2BIG if words > MAX_WORDS else 0
    if error:
        return s, replace(made, set=0), error
    known = content(x, s, place, 8) if words == 1 and isinstance(place, SymbolicPointer) else None
    if known is None:
        return s, replace(made, left=64 * words), None
    return s, replace(made, set=known if isinstance(known, int) else None, left=64), 0


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
    if iterator.set is not None or iterator.left == 0:
        return [_next_bit(s, stack, place, iterator, kind)]
    if name != "num":
        held = None if kind.gives else iterator.reference
        if iterator.left is not None:
            stack.store(place, kind.size, replace(iterator, left=iterator.left - 1))
        return or_null(x, s, _element(s, kind), False, held)
    following = add(iterator.last, 1)
    more, done = x.branch(s, _less(following, iterator.end))
    if more is not None:
        mine = stack if more is s else _iterator(x, more, kind, value)[0]
        _give(more, mine, place, kind, replace(iterator, last=following), following)
    if done is not None:
        mine = stack if done is s else _iterator(x, done, kind, value)[0]
        _end(done, mine, place, kind, replace(iterator, last=0, end=0, element=None))
    return [path for path in (more, done) if path is not None]


def _give(
    s: SymbolicState, stack: FrameStack, place: int, kind: IteratorKind, after: IteratorOnStack, given: Term
) -> None:
    """The step gives a number of 4 bytes, and the iterator is another afterwards."""
    check = s.number()
    region = SymbolicRegion(RegionKind.MEMORY, s.number(), 4, writable=False, content=given)
    stack.store(place, kind.size, replace(after, element=region))
    s.registers[0] = SymbolicPointer(region, 0, check, reference=after.reference)


def _end(s: SymbolicState, stack: FrameStack, place: int, kind: IteratorKind, after: IteratorOnStack) -> None:
    stack.store(place, kind.size, after)
    s.registers[0] = Null(s.number(), RegionKind.MEMORY)


def _next_bit(
    s: SymbolicState, stack: FrameStack, place: int, iterator: IteratorOnStack, kind: IteratorKind
) -> SymbolicState:
    """The number of the lowest bit that is left, as all are known; or none is."""
    if iterator.set:
        lowest = iterator.set & -iterator.set
        after = replace(iterator, set=iterator.set - lowest)
        _give(s, stack, place, kind, after, lowest.bit_length() - 1)
    else:
        _end(s, stack, place, kind, replace(iterator, set=0))
    return s


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
