"""Dynptrs on a path: what makes them, what is done with them, and what slices of them are
(kernel/bpf/helpers.c; kernel/bpf/verifier.c: process_dynptr_func; Linux 6.12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from errno import E2BIG, EINVAL, ENOMEM, ERANGE

from ebpf import rules
from ebpf.kfuncs.dynptrs import MAX_SIZE, SIZE
from ebpf.kfuncs.prototype import DynptrUse
from oracles.reference.argument_memory import memory
from oracles.reference.argument_values import Arguments
from oracles.reference.explorer import Explorer
from oracles.reference.overlaps import destroy_overlapped, overlapped
from oracles.reference.registers import number
from oracles.reference.results import or_null
from oracles.reference.signals import Unmodelled
from oracles.reference.stack_objects import kept, on_stack
from oracles.reference.state import SymbolicState
from oracles.reference.values import (
    UNDEFINED,
    DynptrOnStack,
    Null,
    RegionKind,
    SymbolicPointer,
    SymbolicRegion,
    Value,
)
from oracles.reference.writing import fill
from oracles.terms.term import Term, add, mask, symbol

U32 = 0xFFFF_FFFF


def constant(x: Explorer, s: SymbolicState, value: Value, what: str) -> int:
    """A number that is the same on every input of the path."""
    found = x.constant(s, number(s, value))
    if found is None:
        raise Unmodelled(f"{what} of a dynptr that is not constant")
    return found


def _put(x: Explorer, s: SymbolicState, value: Value, register: int, made: DynptrOnStack) -> None:
    """In its place; one that must be given back may not be overwritten."""
    stack, place = on_stack(x, s, value, register, SIZE)
    for other in overlapped(stack, place, SIZE):
        if isinstance(other, DynptrOnStack) and other.reference is not None and _copies(s, other) == 1:
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register}: a dynptr that must be given back is there")
    destroy_overlapped(x, s, stack, place, SIZE)
    stack.store(place, SIZE, made)


def _copies(s: SymbolicState, dynptr: DynptrOnStack) -> int:
    """How many dynptrs are of one record; newer kernels let all but the last be overwritten."""
    values = {value for frame in s.frames for value, _, _ in frame.stack.bytes.values()}
    return sum(isinstance(each, DynptrOnStack) and each.reference == dynptr.reference for each in values)


def _done(s: SymbolicState, result: Value) -> list[SymbolicState]:
    s.scratch()
    s.registers[0] = result
    return [s]


def _helper(s: SymbolicState, result: Value) -> list[SymbolicState]:
    s.pc += 1
    return _done(s, result)


def _error(error: int) -> Term:
    return -error & mask(64)


def from_mem(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_dynptr_from_mem(data, size, flags, ptr), of the value of a map."""
    data, size, flags, place = found.values[:4]
    if not (isinstance(data, SymbolicPointer) and data.region.kind is RegionKind.MAP_VALUE):
        x.violation(s, rules.HELPER_ARGUMENT, "R1 is not the value of a map")
    length = constant(x, s, size, "the size") & U32
    error = E2BIG if length > MAX_SIZE else EINVAL if constant(x, s, flags, "the flags") else 0
    made = DynptrOnStack(None if error else data.region, data.offset, 0 if error else length)
    _put(x, s, place, 4, made)
    return _helper(s, _error(error))


def reserve(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_ringbuf_reserve_dynptr(map, size, flags, ptr): to be given back even where it fails."""
    _, size, flags, place = found.values[:4]
    length = constant(x, s, size, "the size") & U32
    error = EINVAL if constant(x, s, flags, "the flags") else E2BIG if length > MAX_SIZE else 0
    paths = [(s, error)]
    if not error:
        failed = s.fork()
        s.note_result(0)
        failed.note_result(_error(ENOMEM))
        paths.append((failed, ENOMEM))
    for path, code in paths:
        reference = path.number()
        record = SymbolicRegion(RegionKind.RING_BUFFER, path.number(), 0 if code else length)
        path.references[reference] = (record, path.pc)
        made = DynptrOnStack(None if code else record, 0, 0 if code else length, reference)
        _put(x, path, place, 4, made)
        _helper(path, _error(code))
    return [path for path, _ in paths]


def read(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_dynptr_read(dst, len, src, offset, flags): what it leaves in dst is not followed."""
    _, size, source, offset, flags = found.values[:5]
    dynptr = kept(x, s, source, 3, DynptrOnStack, SIZE)[2]
    if dynptr.of_packet:
        return _helper(s, _scripted(s, "bpf_dynptr_read"))
    return _helper(s, _error(_access_error(x, s, dynptr, offset, size, flags)))


def write(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_dynptr_write(dst, offset, src, len, flags)."""
    place, offset, _, size, flags = found.values[:5]
    dynptr = kept(x, s, place, 1, DynptrOnStack, SIZE)[2]
    if dynptr.of_packet:
        raise Unmodelled("a packet that is written through a dynptr")
    error = _access_error(x, s, dynptr, offset, size, flags)
    if not error and dynptr.region is not None:
        start = constant(x, s, offset, "an offset")
        pointer = SymbolicPointer(dynptr.region, add(dynptr.start, start))
        fill(x, s, pointer, constant(x, s, size, "a length") & U32)
    return _helper(s, _error(error))


def _access_error(
    x: Explorer, s: SymbolicState, dynptr: DynptrOnStack, offset: Value, size: Value, flags: Value
) -> int:
    start, length = _small(x, s, offset), _small(x, s, size)
    if dynptr.region is None or constant(x, s, flags, "the flags"):
        return EINVAL
    return 0 if dynptr.holds(start, length) else E2BIG


def _small(x: Explorer, s: SymbolicState, value: Value) -> int:
    """An offset or a length: 32 bits of it are looked at, or in newer kernels all."""
    found = constant(x, s, value, "an offset")
    if found > U32:
        raise Unmodelled("an offset into a dynptr of more than 32 bits")
    return found


def data(x: Explorer, s: SymbolicState, found: Arguments) -> list[SymbolicState]:
    """bpf_dynptr_data(ptr, offset, len): null for a packet's."""
    dynptr = kept(x, s, found.values[0], 1, DynptrOnStack, SIZE)[2]
    start, size = _small(x, s, found.values[1]), found.size or 0
    s.pc += 1
    return _slice(s, dynptr, start, size & U32, writable=True)


def _slice(
    s: SymbolicState, dynptr: DynptrOnStack, start: int, size: int, *, writable: bool
) -> list[SymbolicState]:
    """A part of it by another name; kernels want a comparison with null."""
    check = s.number()
    if dynptr.region is None or not dynptr.holds(start, size):
        return _done(s, Null(check, RegionKind.MEMORY))
    if writable:
        # Through it a map's value changes that other loads see.
        s.note_write(dynptr.region, add(dynptr.start, start), size)
    region = SymbolicRegion(RegionKind.MEMORY, s.number(), size, writable=writable)
    return _done(s, SymbolicPointer(region, 0, check, reference=dynptr.reference))


def submitted(x: Explorer, s: SymbolicState, place: Value) -> int:
    """The reference that is given back; the dynptr and its clones are gone."""
    dynptr = kept(x, s, place, 1, DynptrOnStack, SIZE)[2]
    if dynptr.reference is None:
        x.violation(s, rules.HELPER_ARGUMENT, "R1 is no dynptr of a ring buffer's record")
    for frame in s.frames:
        for at, (other, _, _) in list(frame.stack.bytes.items()):
            if isinstance(other, DynptrOnStack) and other.reference == dynptr.reference:
                del frame.stack.bytes[at]
    return dynptr.reference


def _scripted(s: SymbolicState, name: str) -> Term:
    result = symbol(f"{name}!{s.number()}")
    s.note_result(result)
    return result


def use(
    x: Explorer, s: SymbolicState, name: str, kind: DynptrUse, values: list[Value]
) -> list[SymbolicState]:
    """R0 after a kernel function did that to the dynptr that R1 points to; the call is not over yet."""
    if kind is DynptrUse.FROM_PACKET:
        error = EINVAL if constant(x, s, values[1], "the flags") else 0
        _put(x, s, values[2], 3, DynptrOnStack(None, 0, 0, of_packet=not error))
        return _done(s, -error & U32)
    stack, place, dynptr = kept(x, s, values[0], 1, DynptrOnStack, SIZE)
    if kind is DynptrUse.CLONE:
        _put(x, s, values[1], 2, replace(dynptr))
    if kind in (DynptrUse.SLICE, DynptrUse.SLICE_TO_WRITE):
        return _slice_of(x, s, dynptr, values, writable=kind is DynptrUse.SLICE_TO_WRITE)
    if kind is DynptrUse.ADJUST and not dynptr.of_packet:
        error, adjusted = _adjusted(dynptr, _small(x, s, values[1]), _small(x, s, values[2]))
        stack.store(place, SIZE, adjusted)
        return _done(s, -error & U32)
    return _done(s, _scripted(s, name) if dynptr.of_packet else _ASKED[kind](dynptr))


_ASKED: dict[DynptrUse, Callable[[DynptrOnStack], int]] = {
    DynptrUse.SIZE: lambda dynptr: -EINVAL & U32 if dynptr.region is None else dynptr.view,
    DynptrUse.IS_NULL: lambda dynptr: int(dynptr.region is None),
    DynptrUse.IS_READ_ONLY: lambda dynptr: 0,
    DynptrUse.CLONE: lambda dynptr: 0 if dynptr.region is not None else -EINVAL & U32,
}


def _adjusted(dynptr: DynptrOnStack, start: int, end: int) -> tuple[int, DynptrOnStack]:
    if dynptr.region is None or start > end:
        return EINVAL, replace(dynptr)
    if start > dynptr.view or end > dynptr.view:
        return ERANGE, replace(dynptr)
    return 0, replace(dynptr, start=add(dynptr.start, start), view=end - start)


def _slice_of(
    x: Explorer, s: SymbolicState, dynptr: DynptrOnStack, values: list[Value], *, writable: bool
) -> list[SymbolicState]:
    size = _small(x, s, values[3])
    buffer = values[2]
    if isinstance(buffer, SymbolicPointer):
        memory(x, s, 3, buffer, size, reads=True, writes=True, packet=False)
        fill(x, s, buffer, size)
    if not dynptr.of_packet:
        return _slice(s, dynptr, _small(x, s, values[1]), size, writable=writable)
    s.scratch()
    return or_null(x, s, SymbolicRegion(RegionKind.MEMORY, s.number(), size, writable=writable), False, None)


def nothing(s: SymbolicState) -> list[SymbolicState]:
    """After a helper that gives no result."""
    return _helper(s, UNDEFINED)
