"""Calls of kernel functions: the objects they take, give and keep; the rest of what they do is unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ebpf import rules
from ebpf.kfuncs import KFUNCS, TAKE_PROTECTED, CodeSection, IteratorStep, KernelArg, KernelFunction, is_a
from ebpf.kfuncs import KernelArgKind as A
from ebpf.kfuncs.local_objects import MAY_BE_LOCKED
from ebpf.kfuncs.sections import RCU_NESTS_SINCE
from ebpf.maps import MapFieldKind
from ebpf.program import LoadFlag
from oracles.reference import deferred, dynptrs, kernel_pointers, local_objects, stack_objects
from oracles.reference.argument_memory import HUGE, memory
from oracles.reference.events import Scripted
from oracles.reference.explorer import Explorer
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.releasing import release, release_reference
from oracles.reference.results import or_null
from oracles.reference.signals import PathThrows, Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import (
    UNDEFINED,
    Null,
    RegionKind,
    SymbolicPointer,
    SymbolicRegion,
    Trust,
    Value,
)
from oracles.reference.writing import fill
from oracles.terms.term import equal, symbol

LOCKED_CALLS_SINCE = (6, 18)
"""Kernels before it take few kernel functions under a lock (kfunc_spin_allowed); which later ones take is not
foretold."""


@dataclass(slots=True)
class _SymbolicCall:
    """One call being checked: what R1 to R5 hold, and the memory that it writes."""

    x: Explorer
    s: SymbolicState
    function: KernelFunction
    values: list[Value]
    written: list[tuple[SymbolicPointer, int]] = field(default_factory=list)
    queue: int | None = None
    """The map in whose value the work queue is that an argument points to."""

    def refuse_argument(self, register: int, why: str) -> None:
        self.x.refuse(self.s, rules.HELPER_ARGUMENT, f"R{register} {why}")


def step(x: Explorer, s: SymbolicState) -> list[SymbolicState]:
    """One call of the kernel function that the program names."""
    deferring = None
    function = KFUNCS.get(dict(x.facts.program.kfuncs).get(s.pc, ""))
    if function is None:
        raise Unmodelled("kernel functions")
    if s.lock is not None and function.name not in MAY_BE_LOCKED:
        x.refuse(s, rules.CALL_UNDER_LOCK, function.name, before=LOCKED_CALLS_SINCE)
        raise Unmodelled("a kernel function called while a lock is held")
    if function.sleeps:
        _may_sleep(x, s, function)
    call = _SymbolicCall(x, s, function, _values(x, s, function.args))
    for register, arg in enumerate(function.args, 1):
        _CHECKS[arg.kind](call, register, arg)
    if function.throws:
        raise PathThrows
    if function.object is not None:
        return local_objects.step(x, s, function, function.object, call.values)
    if function.defers:
        called = call.values[1]
        if not (isinstance(called, SymbolicPointer) and called.region.kind is RegionKind.CODE):
            x.violation(s, rules.HELPER_ARGUMENT, "R2 is no function")
        if not isinstance(called.offset, int) or call.queue is None:
            raise Unmodelled("a function that is not known")
        deferring = deferred.later(x, s, call.queue, called.offset)
    for pointer, size in call.written:
        fill(x, s, pointer, size)
    if function.releases is not None:
        released = call.values[function.releases - 1]
        release(x, s, released if isinstance(released, SymbolicPointer) else None)
    _section(x, s, function, call.values)
    if function.dynptr is not None:
        paths = dynptrs.use(x, s, function.name, function.dynptr, call.values)
    elif function.step is not None:
        paths = _iterate(x, s, function, function.step, call.values)
    else:
        s.scratch()
        paths = _results(x, s, function)
    for path in paths:
        path.pc += 1
    return paths if deferring is None else [*paths, deferring]


def _may_sleep(x: Explorer, s: SymbolicState, function: KernelFunction) -> None:
    if LoadFlag.SLEEPABLE not in x.facts.program.flags:
        x.refuse(s, rules.HELPER_SLEEPS, function.name)
    if s.sections:
        x.refuse(s, rules.SLEEPS_IN_SECTION, function.name)


def _iterate(
    x: Explorer, s: SymbolicState, function: KernelFunction, step_: IteratorStep, values: list[Value]
) -> list[SymbolicState]:
    kind = function.args[0].struct.removeprefix("bpf_iter_")
    if step_ is IteratorStep.NEW:
        return stack_objects.new_iterator(x, s, kind, values)
    if step_ is IteratorStep.NEXT:
        return stack_objects.next_element(x, s, kind, values[0])
    release_reference(x, s, stack_objects.destroy_iterator(x, s, kind, values[0]))
    s.scratch()
    s.registers[0] = UNDEFINED
    return [s]


def _section(x: Explorer, s: SymbolicState, function: KernelFunction, values: list[Value]) -> None:
    """Begin or end one."""
    if (function.begins or function.ends) and any(frame.loop for frame in s.frames):
        raise Unmodelled("a section inside a callback")
    if function.begins is not None:
        if function.begins is CodeSection.RCU and CodeSection.RCU in s.sections:
            x.refuse(s, rules.SECTION_NESTED, function.name, before=RCU_NESTS_SINCE)
        s.sections = (*s.sections, function.begins)
        if function.begins is CodeSection.INTERRUPTS:
            stack_objects.save_flags(x, s, values[0])
    if function.ends is not None:
        if function.ends is not CodeSection.INTERRUPTS and function.ends not in s.sections:
            x.violation(s, rules.SECTION_UNMATCHED, function.name)
        if function.ends is CodeSection.INTERRUPTS:
            stack_objects.restore_flags(x, s, values[0])
        at = len(s.sections) - 1 - s.sections[::-1].index(function.ends)
        s.sections = s.sections[:at] + s.sections[at + 1 :]
        if function.ends is CodeSection.RCU:
            kernel_pointers.end_protection(x, s)


def _values(x: Explorer, s: SymbolicState, args: Sequence[KernelArg]) -> list[Value]:
    """What the registers hold; those that are ignored may hold nothing."""
    return [
        UNDEFINED if arg.kind is A.IGNORED else read(x, s, register) for register, arg in enumerate(args, 1)
    ]


def _results(x: Explorer, s: SymbolicState, function: KernelFunction) -> list[SymbolicState]:
    if not function.gives:
        s.registers[0] = UNDEFINED
        if not function.void:
            s.registers[0] = result = symbol(f"{function.name}!{s.number()}")
            s.note(Scripted(result))
        return [s]
    region = SymbolicRegion(RegionKind.KERNEL, s.number(), writable=False, struct=function.gives)
    if function.nullable:
        return or_null(x, s, region, function.acquires, None)
    reference = s.number() if function.acquires else None
    if reference is not None:
        s.references[reference] = (region, s.pc)
    s.registers[0] = SymbolicPointer(region, 0, reference=reference)
    return [s]


def _number(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    if is_pointer(call.values[register - 1]):
        call.refuse_argument(register, "is a pointer, not a number")


def _pointer(call: _SymbolicCall, register: int, arg: KernelArg) -> SymbolicPointer:
    """The argument as a pointer that is not null."""
    x, s, value = call.x, call.s, call.values[register - 1]
    if not isinstance(value, SymbolicPointer):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    if value.check is not None:
        x.unchecked(s, value.check, rules.NULL_CHECK, f"R{register}")
    return value


def _fixed(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    _memory(call, register, _pointer(call, register, arg), arg.size)


def _buffer(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    """Memory whose size is in the next register (check_kfunc_mem_size_reg)."""
    size = call.values[register]
    if is_pointer(size):
        call.x.violation(call.s, rules.HELPER_ARGUMENT, f"R{register + 1} is a pointer, not a size")
    length = number(call.s, size)
    if not isinstance(length, int):
        raise Unmodelled("a kernel function's memory of unknown size")
    if length >= HUGE:
        call.x.refuse(call.s, rules.HELPER_SIZE, f"R{register + 1}")
        raise Unmodelled("a kernel function's memory that is too large")
    _memory(call, register, _pointer(call, register, arg), length)


def _buffer_or_null(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    """Null, or memory that what is done with the dynptr looks at."""
    value = call.values[register - 1]
    if isinstance(value, SymbolicPointer) and value.check is not None:
        raise Unmodelled("memory that may be null")
    if not isinstance(value, SymbolicPointer | Null) and not (isinstance(value, int) and value == 0):
        call.x.violation(call.s, rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")


def _context(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    value = _pointer(call, register, arg)
    if value.region.kind is RegionKind.KERNEL:
        # Where the context is another, as a netfilter program's is, some take the packet's own structure
        # (Linux 7.3).
        raise Unmodelled("a kernel structure given for a context")
    if value.region.kind is not RegionKind.CONTEXT:
        call.x.violation(call.s, rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    _not_moved(call, register, value)


def _memory(call: _SymbolicCall, register: int, pointer: SymbolicPointer, size: int) -> None:
    memory(call.x, call.s, register, pointer, size, reads=True, writes=True, packet=False)
    call.written.append((pointer, size))


def _map(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    value = _pointer(call, register, arg)
    if value.region.kind is not RegionKind.MAP:
        call.x.violation(call.s, rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    _not_moved(call, register, value)
    if call.queue is not None:
        deferred.check_map(call.x, call.s, call.queue, value.region.map)


def _work_queue(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    value = _pointer(call, register, arg)
    call.queue, _ = deferred.field_of(call.x, call.s, register, value, MapFieldKind.WORKQUEUE)


def _object_or_null(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    value = call.values[register - 1]
    if isinstance(value, Null) or (isinstance(value, int) and value == 0):
        return
    if isinstance(value, SymbolicPointer) and value.check is not None:
        raise Unmodelled("a structure that may be null")
    _object(call, register, arg)


def _object(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    value = _pointer(call, register, arg)
    if value.region.kind is not RegionKind.KERNEL:
        call.x.violation(call.s, rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    if value.region.trust is Trust.NONE:
        call.x.refuse(call.s, rules.HELPER_ARGUMENT, f"R{register}: nothing keeps the {value.region.struct}")
        raise Unmodelled("a kernel structure that nothing keeps")
    kept = value.region.trust
    if kept is Trust.DOUBTED or (kept is Trust.PROTECTED and call.function.name not in TAKE_PROTECTED):
        raise Unmodelled("a kernel structure that only RCU keeps")
    fits = is_a(value.region.struct, arg.struct)
    if fits is None:
        raise Unmodelled("a kernel structure given as another")
    if not fits:
        call.x.violation(
            call.s, rules.HELPER_ARGUMENT, f"R{register} is a {value.region.struct}, not a {arg.struct}"
        )
    _not_moved(call, register, value)


def _not_moved(call: _SymbolicCall, register: int, value: SymbolicPointer) -> None:
    call.x.require(call.s, equal(value.offset, 0), rules.HELPER_ARGUMENT, f"R{register} was moved")


def _nothing(call: _SymbolicCall, register: int, arg: KernelArg) -> None:
    """What another argument's check looks at, or none does."""


_CHECKS: dict[A, Callable[[_SymbolicCall, int, KernelArg], None]] = {
    A.NUMBER: _number, A.OBJECT: _object, A.MEMORY: _fixed, A.BUFFER: _buffer, A.SIZE: _nothing, A.MAP: _map,
    A.IGNORED: _nothing, A.OBJECT_OR_NULL: _object_or_null, A.NEW_FLAGS: _nothing, A.FLAGS: _nothing,
    A.NEW_ITERATOR: _nothing, A.ITERATOR: _nothing, A.CONTEXT: _context, A.CONSTANT_SIZE: _number,
    A.BUFFER_OR_NULL: _buffer_or_null, A.NEW_DYNPTR: _nothing, A.DYNPTR: _nothing, A.LOCAL_TYPE: _nothing,
    A.LOCAL_OBJECT: _nothing, A.LIST_HEAD: _nothing, A.LIST_NODE: _nothing, A.RB_ROOT: _nothing,
    A.RB_NODE: _nothing, A.CALLBACK: _nothing, A.WORKQUEUE: _work_queue,
}  # fmt: skip
