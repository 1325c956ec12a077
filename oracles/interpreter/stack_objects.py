"""What kernel functions keep on the stack: saved flags and iterators (kernel/bpf/verifier.c:
process_irq_flag, process_iter_arg; kernel/bpf/bpf_iter.c; Linux 6.12)."""

from __future__ import annotations

from errno import E2BIG, EINVAL
from typing import TypeVar

from ebpf import rules
from ebpf.kfuncs.iterators import ITERATORS, MAX_ROUNDS, MAX_WORDS
from oracles.interpreter.accesses import locate
from oracles.interpreter.arithmetic import signed
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import PlacedObject, Pointer, Region, Value
from oracles.interpreter.objects import KernelRegion

K = TypeVar("K", bound=PlacedObject)
U32 = 0xFFFF_FFFF


class SavedFlags(PlacedObject):
    """Of the interrupts that were on: ``depth`` is how many sections without them the program is in."""

    __slots__ = ("depth",)

    def __init__(self, depth: int) -> None:
        super().__init__("set of saved flags", 8)
        self.depth = depth


class Iterator(PlacedObject):
    """``region``: what a step gives, valid as long as the iterator is.  ``last``, ``end``: of numbers.
    ``set``: of bits, those that it has still to give; None where they are not known."""

    __slots__ = ("end", "kind", "last", "region", "set")

    def __init__(self, kind: str, size: int, region: Region) -> None:
        super().__init__(f"{kind} iterator", size)
        self.kind = kind
        self.region = region
        self.last = self.end = 0
        self.set: int | None = None


def on_stack(m: Machine, value: Value, register: int, size: int) -> tuple[Region, int]:
    """A place for an object: aligned, and on the stack of a function that is active."""
    if not (isinstance(value, Pointer) and any(value.region is frame.stack for frame in m.frames)):
        m.trap(rules.HELPER_ARGUMENT, f"R{register} is not on the stack")
    if value.offset % 8:
        m.trap(rules.HELPER_ARGUMENT, f"R{register} is not aligned")
    return locate(m, value, 0, size)


def room(m: Machine, value: Value, register: int, kind: type[K], size: int) -> tuple[Region, int]:
    """A place where no other object of that kind is."""
    region, at = on_stack(m, value, register, size)
    for other, kept in region.objects.items():
        if isinstance(kept, kind) and other < at + size and at < other + kept.size:
            m.trap(rules.HELPER_ARGUMENT, f"R{register}: a {kept.name} is there already")
    return region, at


def kept(m: Machine, value: Value, register: int, kind: type[K], size: int) -> tuple[Region, int, K]:
    """The object that ``value`` points to."""
    region, at = on_stack(m, value, register, size)
    found = region.objects.get(at)
    if not isinstance(found, kind):
        m.trap(rules.HELPER_ARGUMENT, f"R{register}: there is nothing of what it must be")
    return region, at, found


def save_flags(m: Machine, value: Value) -> None:
    """bpf_local_irq_save: the section was begun already."""
    region, at = room(m, value, 1, SavedFlags, 8)
    region.place(at, SavedFlags(m.resources.without_interrupts()), bytes(8))


def restore_flags(m: Machine, value: Value) -> None:
    """bpf_local_irq_restore, in the order in which they were saved."""
    region, at, flags = kept(m, value, 1, SavedFlags, 8)
    if flags.depth != m.resources.without_interrupts():
        m.trap(rules.SECTION_UNMATCHED, "flags are not restored in the order in which they were saved")
    region.take(at)


def new_iterator(m: Machine, name: str, values: list[Value]) -> int:
    """R0 after one is made; where its arguments are wrong, it has no steps."""
    kind = ITERATORS[name]
    region, at = room(m, values[0], 1, Iterator, kind.size)
    memory: Region = (
        KernelRegion(kind.gives, m.environment)
        if kind.gives
        else Region("number", bytearray(4), m.environment.base(4), rules.MEMORY_BOUNDS, writable=False)
    )
    made = Iterator(name, kind.size, memory)
    m.resources.acquire(memory)
    error = None
    if name == "num":
        error = _set_numbers(m, made, values)
    elif name == "bits":
        error = _set_bits(m, made, m.number(values[2]) & U32)
    result = _result(m, error)
    if made.set is not None and result & 1 << 31:
        made.set = 0
    region.place(at, made, _bytes(m, made))
    return result


def _result(m: Machine, error: int | None) -> int:
    """R0: an int, and what is above its 32 bits is whatever the function left there where it fails."""
    if error is None:
        scripted = m.scripted()
        return m.environment.bits(64) if scripted is None else scripted
    return error & U32 | (m.environment.bits(32) << 32 if error else 0)


def _set_numbers(m: Machine, made: Iterator, values: list[Value]) -> int:
    start, end = (signed(m.number(value) & U32, 32) for value in values[1:])
    if start > end:
        return -EINVAL
    if end - start > MAX_ROUNDS:
        return -E2BIG
    made.last, made.end = start - 1, end
    return 0


def _set_bits(m: Machine, made: Iterator, words: int) -> int | None:
    """bpf_iter_bits_new (kernel/bpf/helpers.c, Linux 6.12): the bits that are set in so many words of 64, as
    they are now.  None where it may fail, for want of memory or of words that can be read."""
    place = m.registers[2]
    if not words or place == 0:
        made.set = 0
        return -EINVAL
    if words > MAX_WORDS:
        made.set = 0
        return -E2BIG
    if not isinstance(place, Pointer) or isinstance(place.region, KernelRegion):
        return None
    region, at, size = place.region, place.offset, 8 * words
    if region.gone or not (region.holds(at, size) and region.defined(at, size)):
        return None
    made.set = 0
    for word in range(words):
        bits = int.from_bytes(region.data[at + 8 * word : at + 8 * word + 8], m.word)
        made.set |= bits << 64 * word
    return 0 if words == 1 else None


def _bytes(m: Machine, made: Iterator) -> bytes:
    """What lies on the stack, so that an iterator that went on is another."""
    left = made.end & U32 if made.set is None else made.set.bit_count()
    return (made.last & U32 | left << 32).to_bytes(8, m.word).ljust(made.size, b"\0")


def next_element(m: Machine, name: str, value: Value) -> Value:
    """What the next step gives, or null at the end."""
    region, at, iterator = kept(m, value, 1, Iterator, ITERATORS[name].size)
    _same_kind(m, name, iterator)
    if iterator.set is not None:
        return _next_bit(m, region, at, iterator, iterator.set)
    if name != "num":
        scripted = m.scripted()
        # Drawn, it ends after a few steps: a run has to.
        if not (m.environment.bits(2) if scripted is None else scripted):
            return 0
        if not ITERATORS[name].gives:
            iterator.region.store(0, m.environment.bits(32).to_bytes(4, m.word))
        return Pointer(iterator.region, 0)
    more = iterator.last + 1 < iterator.end
    iterator.last, iterator.end = (iterator.last + 1, iterator.end) if more else (0, 0)
    region.place(at, iterator, _bytes(m, iterator))
    if not more:
        return 0
    iterator.region.store(0, (iterator.last & U32).to_bytes(4, m.word))
    return Pointer(iterator.region, 0)


def _next_bit(m: Machine, region: Region, at: int, iterator: Iterator, left: int) -> Value:
    """The number of the lowest bit that is left, or null."""
    lowest = left & -left
    iterator.set = left - lowest
    region.place(at, iterator, _bytes(m, iterator))
    if not lowest:
        return 0
    iterator.region.store(0, (lowest.bit_length() - 1).to_bytes(4, m.word))
    return Pointer(iterator.region, 0)


def destroy_iterator(m: Machine, name: str, value: Value) -> None:
    """Nothing that it gave may be used any more."""
    region, at, iterator = kept(m, value, 1, Iterator, ITERATORS[name].size)
    _same_kind(m, name, iterator)
    region.take(at)
    m.resources.release(iterator.region)


def _same_kind(m: Machine, name: str, iterator: Iterator) -> None:
    if iterator.kind != name:
        m.trap(rules.HELPER_ARGUMENT, f"R1 is a {iterator.name}, not a {name} iterator")
