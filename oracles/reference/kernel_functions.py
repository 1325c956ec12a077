"""Calls of kernel functions: the objects they take, give and keep; the rest of what they do is unknown."""

from __future__ import annotations

from ebpf import rules
from ebpf.helpers.availability import GPL_COMPATIBLE
from ebpf.kfuncs import KFUNCS, KernelArg, KernelArgKind
from oracles.reference.argument_memory import memory
from oracles.reference.events import Scripted
from oracles.reference.explorer import Explorer
from oracles.reference.helpers import fill, release
from oracles.reference.registers import is_pointer, read
from oracles.reference.results import or_null
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import UNDEFINED, RegionKind, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.term import equal, symbol


def step(x: Explorer, s: SymbolicState) -> list[SymbolicState]:
    """One call of the kernel function that the program names."""
    function = KFUNCS.get(dict(x.facts.program.kfuncs).get(s.pc, ""))
    if function is None or x.facts.program.license not in GPL_COMPATIBLE or s.lock is not None:
        raise Unmodelled("kernel functions")
    if not x.facts.capable:
        x.refuse(s, rules.PRIVILEGED_CALL, function.name)
    values = [read(x, s, register) for register in range(1, len(function.args) + 1)]
    for register, (arg, value) in enumerate(zip(function.args, values, strict=True), 1):
        _argument(x, s, register, arg, value)
    if function.releases is not None:
        released = values[function.releases - 1]
        release(x, s, released if isinstance(released, SymbolicPointer) else None)
    s.scratch()
    if function.gives:
        region = SymbolicRegion(RegionKind.KERNEL, s.number(), writable=False, struct=function.gives)
        paths = or_null(x, s, region, True, None)
    else:
        paths = [s]
        s.registers[0] = UNDEFINED
        if not function.void:
            s.registers[0] = result = symbol(f"{function.name}!{s.number()}")
            s.note(Scripted(result))
    for path in paths:
        path.pc += 1
    return paths


def _argument(x: Explorer, s: SymbolicState, register: int, arg: KernelArg, value: Value) -> None:
    if arg.kind is KernelArgKind.NUMBER:
        if is_pointer(value):
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is a pointer, not a number")
        return
    if not isinstance(value, SymbolicPointer):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    if value.check is not None:
        x.unchecked(s, value.check, rules.NULL_CHECK, f"R{register}")
    if arg.kind is KernelArgKind.MEMORY:
        memory(x, s, register, value, arg.size, reads=True, writes=True, packet=False)
        fill(x, s, value, arg.size)
        return
    if value.region.kind is not RegionKind.KERNEL:
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
    if value.region.struct != arg.struct:
        raise Unmodelled("a kernel structure given as another")
    x.require(s, equal(value.offset, 0), rules.HELPER_ARGUMENT, f"R{register} was moved")
