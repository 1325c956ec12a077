"""Kernel functions: what they take, and objects that they give, hold and release; what else they do is
unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ebpf import rules
from ebpf.btf.functions import exception_callback
from ebpf.kfuncs import KFUNCS, CodeSection, IteratorStep, KernelArg, KernelFunction, is_a
from ebpf.kfuncs import KernelArgKind as A
from ebpf.kfuncs.local_objects import MAY_BE_LOCKED
from ebpf.maps import MapFieldKind
from oracles.interpreter import deferred, dynptrs, local_objects, stack_objects
from oracles.interpreter.helpers.memory import Span, readable, room
from oracles.interpreter.helpers.results import present
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import UNDEFINED, Pointer, Region, Value
from oracles.interpreter.objects import BorrowedRegion, KernelRegion
from oracles.interpreter.signals import Abstain, Thrown


@dataclass(slots=True)
class _KernelCall:
    """One call being checked: what R1 to R5 hold, and the memory that it writes."""

    m: Machine
    values: list[Value]
    written: list[Span] = field(default_factory=list)
    queue: Region | None = None
    """The map's value with the work queue that an argument is."""


def call(m: Machine, name: str) -> Value:
    """R0 after the kernel function was called with what the registers hold."""
    function = KFUNCS.get(name)
    if function is None:
        raise Abstain("kernel function calls")
    if name not in MAY_BE_LOCKED:
        m.resources.check_call(name)
    checked = _KernelCall(m, _values(m, function.args))
    for register, arg in enumerate(function.args, 1):
        _CHECKS[arg.kind](checked, register, arg)
    if function.throws:
        if exception_callback(m.program) is not None:
            raise Abstain("a function that handles exceptions")
        m.resources.check_exit()
        raise Thrown(m.number(checked.values[0]))
    if function.object is not None:
        return local_objects.use(m, function.object, checked.values)
    if function.defers:
        value = deferred.field_of(m, checked.values[0], 1, MapFieldKind.WORKQUEUE)
        deferred.call_later(m, value, checked.values[1])
    for span in checked.written:
        span.fill(m.environment.bits(8 * span.size).to_bytes(span.size, m.word) if span.size else b"")
    if function.releases is not None:
        released = checked.values[function.releases - 1]
        assert isinstance(released, Pointer)
        m.resources.release(released.region)
    _section(m, function, checked.values)
    if function.dynptr is not None:
        return dynptrs.use(m, function.dynptr, checked.values)
    if function.step is not None:
        return _iterate(m, function, function.step, checked.values)
    return _result(m, function)


def _section(m: Machine, function: KernelFunction, values: list[Value]) -> None:
    if function.begins is not None:
        m.resources.begin(function.begins)
        if function.begins is CodeSection.INTERRUPTS:
            stack_objects.save_flags(m, values[0])
    if function.ends is not None:
        if function.ends is CodeSection.INTERRUPTS:
            stack_objects.restore_flags(m, values[0])
        m.resources.end(function.ends)
        m.resources.protect(m.in_rcu())


def _iterate(m: Machine, function: KernelFunction, step: IteratorStep, values: list[Value]) -> Value:
    kind = function.args[0].struct.removeprefix("bpf_iter_")
    if step is IteratorStep.NEW:
        return stack_objects.new_iterator(m, kind, values)
    if step is IteratorStep.NEXT:
        return stack_objects.next_element(m, kind, values[0])
    stack_objects.destroy_iterator(m, kind, values[0])
    return UNDEFINED


def _values(m: Machine, args: Sequence[KernelArg]) -> list[Value]:
    """What the registers hold; those that are ignored may hold nothing."""
    return [UNDEFINED if arg.kind is A.IGNORED else m.read(register) for register, arg in enumerate(args, 1)]


def _result(m: Machine, function: KernelFunction) -> Value:
    if function.void:
        return UNDEFINED
    if not function.gives:
        scripted = m.scripted()
        return m.environment.bits(64) if scripted is None else scripted
    if function.nullable and not present(m, usual=True):
        return 0
    region = KernelRegion(function.gives, m.environment)
    if function.acquires:
        m.resources.acquire(region)
    return Pointer(region, 0)


def _number(call: _KernelCall, register: int, arg: KernelArg) -> None:
    call.m.number(call.values[register - 1])


def _fixed(call: _KernelCall, register: int, arg: KernelArg) -> None:
    _memory(call, register, arg.size)


def _buffer(call: _KernelCall, register: int, arg: KernelArg) -> None:
    size = call.values[register]
    if not isinstance(size, int):
        call.m.trap(rules.HELPER_ARGUMENT, f"R{register + 1} is no size")
    _memory(call, register, size)


def _buffer_or_null(call: _KernelCall, register: int, arg: KernelArg) -> None:
    if call.values[register - 1] != 0:
        _buffer(call, register, arg)


def _context(call: _KernelCall, register: int, arg: KernelArg) -> None:
    value = call.values[register - 1]
    if isinstance(value, Pointer) and isinstance(value.region, KernelRegion):
        # Where the context is another, as a netfilter program's is, some take the packet's own structure.
        raise Abstain("a kernel structure given for a context")
    if value != Pointer(call.m.context, 0):
        call.m.trap(rules.HELPER_ARGUMENT, f"R{register} is not the context")


def _memory(call: _KernelCall, register: int, size: int) -> None:
    value = call.values[register - 1]
    readable(call.m, value, size, f"R{register}")
    call.written.append(room(call.m, value, size, f"R{register}"))


def _map(call: _KernelCall, register: int, arg: KernelArg) -> None:
    chosen = call.m.map_at(call.values[register - 1])
    if chosen is None:
        call.m.trap(rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    if call.queue is not None:
        deferred.check_map(call.m, call.queue, chosen)


def _work_queue(call: _KernelCall, register: int, arg: KernelArg) -> None:
    call.queue = deferred.field_of(call.m, call.values[register - 1], register, MapFieldKind.WORKQUEUE)


def _object_or_null(call: _KernelCall, register: int, arg: KernelArg) -> None:
    if call.values[register - 1] != 0:
        _object(call, register, arg)


def _object(call: _KernelCall, register: int, arg: KernelArg) -> None:
    m, value = call.m, call.values[register - 1]
    region = value.region if isinstance(value, Pointer) else None
    if region is not None and region.gone is not None:
        m.trap(region.gone, f"R{register}: {region.name} was released")
    if not (isinstance(region, KernelRegion) and isinstance(value, Pointer) and value.offset == 0):
        m.trap(rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    if isinstance(region, BorrowedRegion) and not region.protected:
        raise Abstain("a kernel structure that nothing keeps")
    fits = is_a(region.name, arg.struct)
    if fits is None:
        raise Abstain("a kernel structure given as another")
    if not fits:
        m.trap(rules.HELPER_ARGUMENT, f"R{register} is a {region.name}, not a {arg.struct}")


def _nothing(call: _KernelCall, register: int, arg: KernelArg) -> None:
    """What another argument's check looks at, or none does."""


_CHECKS: dict[A, Callable[[_KernelCall, int, KernelArg], None]] = {
    A.NUMBER: _number, A.OBJECT: _object, A.MEMORY: _fixed, A.BUFFER: _buffer, A.SIZE: _nothing, A.MAP: _map,
    A.IGNORED: _nothing, A.OBJECT_OR_NULL: _object_or_null, A.NEW_FLAGS: _nothing, A.FLAGS: _nothing,
    A.NEW_ITERATOR: _nothing, A.ITERATOR: _nothing, A.CONTEXT: _context, A.CONSTANT_SIZE: _number,
    A.BUFFER_OR_NULL: _buffer_or_null, A.NEW_DYNPTR: _nothing, A.DYNPTR: _nothing, A.LOCAL_TYPE: _nothing,
    A.LOCAL_OBJECT: _nothing, A.LIST_HEAD: _nothing, A.LIST_NODE: _nothing, A.RB_ROOT: _nothing,
    A.RB_NODE: _nothing, A.CALLBACK: _nothing, A.WORKQUEUE: _work_queue,
}  # fmt: skip
