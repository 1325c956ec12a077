"""Dynptrs: what makes them, what is done with them, and the memory that slices of them are
(kernel/bpf/helpers.c; Linux 6.12)."""

from __future__ import annotations

from collections.abc import Callable
from errno import E2BIG, EINVAL, ENOMEM, ERANGE

from ebpf import rules
from ebpf.kfuncs.dynptrs import MAX_SIZE, SIZE
from ebpf.kfuncs.prototype import DynptrUse
from oracles.interpreter.arithmetic import U64, signed
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import UNDEFINED, PlacedObject, Pointer, Region, Value
from oracles.interpreter.objects import RecordRegion
from oracles.interpreter.signals import Abstain
from oracles.interpreter.stack_objects import kept, on_stack

U32 = 0xFFFF_FFFF


class Dynptr(PlacedObject):
    """``memory``: where its bytes are, from ``start`` on; None of one that is null, and of a packet's, of
    which nothing is known.  ``held``: the record that it must give back."""

    __slots__ = ("held", "memory", "of_packet", "start", "view")

    def __init__(
        self,
        memory: Region | None = None,
        start: int = 0,
        view: int = 0,
        held: Region | None = None,
        of_packet: bool = False,
    ) -> None:
        super().__init__("dynptr", SIZE)
        self.memory, self.start, self.view = memory, start, view
        self.held, self.of_packet = held, of_packet

    def holds(self, offset: int, size: int) -> bool:
        """Whether so many bytes are there (bpf_dynptr_check_off_len)."""
        return size <= self.view and offset <= self.view - size


def _put(m: Machine, value: Value, register: int, made: Dynptr) -> None:
    """In its place; one that must be given back is not overwritten, but lost."""
    region, at = on_stack(m, value, register, SIZE)
    region.place(at, made, _bytes(m, made))


def _bytes(m: Machine, made: Dynptr) -> bytes:
    """What lies on the stack, so that one that was adjusted is another."""
    return (made.start & U64).to_bytes(8, m.word) + (made.view & U64).to_bytes(8, m.word)


def _small(m: Machine, value: Value) -> int:
    """An offset or a length: 32 bits of it are looked at, or in newer kernels all."""
    number = m.number(value)
    if number > U32:
        raise Abstain("an offset into a dynptr of more than 32 bits")
    return number


def from_mem(m: Machine, call: Call) -> Value:
    """bpf_dynptr_from_mem(data, size, flags, ptr), of the value of a map."""
    data, size, flags, place = call.values
    if not isinstance(data, Pointer) or data.region.bounds is not rules.MAP_VALUE_BOUNDS:
        m.trap(rules.HELPER_ARGUMENT, "R1 is not the value of a map")
    length = m.number(size) & U32
    error = E2BIG if length > MAX_SIZE else EINVAL if m.number(flags) else 0
    _put(m, place, 4, Dynptr() if error else Dynptr(data.region, data.offset, length))
    return -error & U64


def reserve(m: Machine, call: Call) -> Value:
    """bpf_ringbuf_reserve_dynptr(map, size, flags, ptr): to be given back even where it fails."""
    _, size, flags, place = call.values
    length = m.number(size) & U32
    error = EINVAL if m.number(flags) else E2BIG if length > MAX_SIZE else 0
    if not error:
        scripted = m.scripted()
        there = m.environment.chance(True) if scripted is None else scripted == 0
        error = 0 if there else ENOMEM
    record = RecordRegion(0 if error else length, m.environment)
    m.resources.acquire(record)
    _put(m, place, 4, Dynptr(held=record) if error else Dynptr(record, 0, length, record))
    return -error & U64


def give_back(m: Machine, call: Call) -> Value:
    """bpf_ringbuf_submit_dynptr and bpf_ringbuf_discard_dynptr: its clones are gone too."""
    _, _, dynptr = kept(m, call.values[0], 1, Dynptr, SIZE)
    if dynptr.held is None:
        m.trap(rules.HELPER_ARGUMENT, "R1 is no dynptr of a ring buffer's record")
    for frame in m.frames:
        for at, other in list(frame.stack.objects.items()):
            if isinstance(other, Dynptr) and other.held is dynptr.held:
                frame.stack.take(at)
    m.resources.release(dynptr.held)
    return UNDEFINED


def read(m: Machine, call: Call) -> Value:
    """bpf_dynptr_read(dst, len, src, offset, flags); where it fails, dst stays what it is."""
    _, size, source, offset, flags = call.values
    _, _, dynptr = kept(m, source, 3, Dynptr, SIZE)
    span = call.written[0]
    if dynptr.of_packet:
        _draw(m, call)
        return _scripted(m)
    length, start = _small(m, size), _small(m, offset)
    error = EINVAL if dynptr.memory is None or m.number(flags) else 0
    error = error or (0 if dynptr.holds(start, length) else E2BIG)
    if not error and dynptr.memory is not None and length:
        at = dynptr.start + start
        if not dynptr.memory.defined(at, length):
            m.environment.drawn = True
        span.fill(bytes(dynptr.memory.data[at : at + length]))
    elif not span.region.defined(span.at, span.size):
        _draw(m, call)
    return -error & U64


def _draw(m: Machine, call: Call) -> None:
    span = call.written[0]
    if span.size:
        span.fill(m.environment.bits(8 * span.size).to_bytes(span.size, m.word))


def _scripted(m: Machine) -> int:
    scripted = m.scripted()
    return m.environment.bits(64) if scripted is None else scripted


def write(m: Machine, call: Call) -> Value:
    """bpf_dynptr_write(dst, offset, src, len, flags)."""
    place, offset, source, size, flags = call.values
    _, _, dynptr = kept(m, place, 1, Dynptr, SIZE)
    if dynptr.of_packet:
        m.move_packet("bpf_dynptr_write")
        return _scripted(m)
    length, start = _small(m, size), _small(m, offset)
    if dynptr.memory is None or m.number(flags):
        return -EINVAL & U64
    if not dynptr.holds(start, length):
        return -E2BIG & U64
    if length:
        assert isinstance(source, Pointer)
        data = bytes(source.region.data[source.offset : source.offset + length])
        dynptr.memory.store(dynptr.start + start, data)
    return 0


def data(m: Machine, call: Call) -> Value:
    """bpf_dynptr_data(ptr, offset, len): null for a packet's."""
    place, offset, size = call.values
    _, _, dynptr = kept(m, place, 1, Dynptr, SIZE)
    return _slice(m, dynptr, _small(m, offset), m.number(size) & U32, writable=True)


def _slice(m: Machine, dynptr: Dynptr, offset: int, size: int, *, writable: bool) -> Value:
    """The same bytes by another name: what is written there is written to both."""
    memory = dynptr.memory
    if memory is None or not dynptr.holds(offset, size):
        return 0
    at = dynptr.start + offset
    view = Region("dynptr slice", bytearray(), memory.base + at, rules.MEMORY_BOUNDS, writable=writable)
    view.data = memoryview(memory.data)[at : at + size]  # type: ignore[assignment]
    if memory.written is not None:
        view.written = memoryview(memory.written)[at : at + size]  # type: ignore[assignment]
    if dynptr.held is not None:
        m.resources.share(dynptr.held, view)
    return Pointer(view, 0)


def use(m: Machine, kind: DynptrUse, values: list[Value]) -> Value:
    """R0 after a kernel function did that to the dynptr that R1 points to."""
    if kind is DynptrUse.FROM_PACKET:
        return _from_packet(m, values)
    region, at, dynptr = kept(m, values[0], 1, Dynptr, SIZE)
    if kind is DynptrUse.ADJUST:
        result = _adjust(m, dynptr, values)
        region.place(at, dynptr, _bytes(m, dynptr))
        return result
    if kind is DynptrUse.CLONE:
        copy = Dynptr(dynptr.memory, dynptr.start, dynptr.view, dynptr.held, dynptr.of_packet)
        _put(m, values[1], 2, copy)
        return _scripted(m) if dynptr.of_packet else 0 if dynptr.memory is not None else -EINVAL & U32
    if kind in (DynptrUse.SLICE, DynptrUse.SLICE_TO_WRITE):
        return _slice_of(m, dynptr, values, writable=kind is DynptrUse.SLICE_TO_WRITE)
    return _scripted(m) if dynptr.of_packet else _ASKED[kind](dynptr)


_ASKED: dict[DynptrUse, Callable[[Dynptr], int]] = {
    DynptrUse.SIZE: lambda dynptr: -EINVAL & U32 if dynptr.memory is None else dynptr.view,
    DynptrUse.IS_NULL: lambda dynptr: int(dynptr.memory is None),
    DynptrUse.IS_READ_ONLY: lambda dynptr: 0,
}


def _from_packet(m: Machine, values: list[Value]) -> int:
    error = EINVAL if m.number(values[1]) else 0
    _put(m, values[2], 3, Dynptr(of_packet=not error))
    return -error & U32


def _adjust(m: Machine, dynptr: Dynptr, values: list[Value]) -> int:
    start, end = (_small(m, value) for value in values[1:])
    if dynptr.of_packet:
        return _scripted(m)
    if dynptr.memory is None or start > end:
        return -EINVAL & U32
    if start > dynptr.view or end > dynptr.view:
        return -ERANGE & U32
    dynptr.start, dynptr.view = dynptr.start + start, end - start
    return 0


def _slice_of(m: Machine, dynptr: Dynptr, values: list[Value], *, writable: bool) -> Value:
    size = m.number(values[3])
    if signed(size, 64) < 0 or size > U32:
        raise Abstain("a slice of a dynptr that is too large")
    if not dynptr.of_packet:
        return _slice(m, dynptr, _small(m, values[1]), size, writable=writable)
    scripted = m.scripted()
    if not (m.environment.chance(True) if scripted is None else scripted):
        return 0
    drawn = bytearray(m.environment.bits(8 * size).to_bytes(size, m.word) if size else b"")
    region = Region("packet slice", drawn, m.environment.base(size), rules.MEMORY_BOUNDS, writable=writable)
    return Pointer(region, 0)
