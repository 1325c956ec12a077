"""What a program can call, of whatever kind: what it takes, gives, and does to what the program holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from ebpf.helpers import prototype_for
from ebpf.helpers.ownership import GIVEN_STRUCTURES
from ebpf.helpers.prototype import Arg, Prototype, ResultKind
from ebpf.kfuncs import KFUNCS, CodeSection, DynptrUse, IteratorStep, KernelArgKind, KernelFunction, ObjectUse
from ebpf.program_types import ProgramType
from generators.resources import ResourceKind


class CalleeKind(Enum):
    """Where a callee's code lies, and how a call names it."""

    HELPER = "helper"
    KFUNC = "kernel function"
    GLOBAL = "global function"
    STATIC = "static function"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class Callee:
    """Something to call."""

    name: str
    kind: CalleeKind
    number: int = 0
    """Of a helper."""
    args: tuple[Arg, ...] = ()
    result: ResultKind = ResultKind.INTEGER
    acquires: ResourceKind | None = None
    """What a result that is not null stands for."""
    releases: int | None = None
    """The argument (1 to 5) whose resource is given back."""
    changes_packet: bool = False
    locks: bool = False
    unlocks: bool = False
    step: IteratorStep | None = None
    """What it does to the iterator that its first argument points to."""
    begins: ResourceKind | None = None
    ends: ResourceKind | None = None
    """The kind of section that it begins or ends."""
    struct: str = ""
    """Which kernel structure the result is."""
    throws: bool = False
    """Whether the program ends there."""
    object: ObjectUse | None = None
    """What it does with an object of the program's own."""
    fills: tuple[tuple[int, int], ...] = ()
    """Of a kernel function: arguments that point to memory which it may write, and the bytes there, or minus
    the argument that says how many."""


STATIC = Callee("", CalleeKind.STATIC)
UNKNOWN = Callee("", CalleeKind.HELPER)
"""A helper that no kernel has."""

_ACQUIRED = {
    ResultKind.ALLOC_MEM_OR_NULL: ResourceKind.RECORD,
    ResultKind.SOCKET_OR_NULL: ResourceKind.SOCKET,
    ResultKind.SOCK_COMMON_OR_NULL: ResourceKind.SOCKET,
    ResultKind.TCP_SOCK_OR_NULL: ResourceKind.SOCKET,
}


def of_prototype(prototype: Prototype) -> Callee:
    """A helper."""
    return Callee(
        prototype.name,
        CalleeKind.HELPER,
        prototype.number,
        prototype.args,
        prototype.result,
        _ACQUIRED.get(prototype.result, ResourceKind.OBJECT) if prototype.acquires else None,
        prototype.releases,
        # What a tail call leads to may have changed it, where that comes back by a function's caller.
        prototype.changes_packet or prototype.name == "tail_call",
        prototype.name == "spin_lock",
        prototype.name == "spin_unlock",
        struct=GIVEN_STRUCTURES.get(prototype.name, ""),
    )


_SECTIONS = {
    CodeSection.RCU: ResourceKind.RCU, CodeSection.PREEMPTION: ResourceKind.PREEMPTION,
    CodeSection.INTERRUPTS: ResourceKind.INTERRUPTS,
}  # fmt: skip


_SLICES = (DynptrUse.SLICE, DynptrUse.SLICE_TO_WRITE)


def _fills(function: KernelFunction) -> Iterator[tuple[int, int]]:
    for at, arg in enumerate(function.args, 1):
        if arg.kind is KernelArgKind.MEMORY:
            yield at, arg.size
        elif arg.kind in (KernelArgKind.BUFFER, KernelArgKind.BUFFER_OR_NULL):
            yield at, -(at + 1)


@cache
def kernel_callee(name: str) -> Callee:
    """The kernel function of that name."""
    function = KFUNCS[name]
    result = ResultKind.VOID if function.void else ResultKind.INTEGER
    if function.gives:
        result = ResultKind.BTF_ID_OR_NULL if function.nullable else ResultKind.BTF_ID
    elif function.step is IteratorStep.NEXT or function.dynptr in _SLICES:
        result = ResultKind.DYNPTR_MEM_OR_NULL
    return Callee(
        name,
        CalleeKind.KFUNC,
        result=result,
        acquires=ResourceKind.OBJECT if function.acquires else None,
        releases=function.releases,
        struct=function.gives,
        step=function.step,
        object=function.object,
        throws=function.throws,
        fills=tuple(_fills(function)),
        begins=_SECTIONS[function.begins] if function.begins else None,
        ends=_SECTIONS[function.ends] if function.ends else None,
    )


@cache
def helper_callee(number: int, program_type: ProgramType) -> Callee:
    """The helper of that number, as programs of this type see it."""
    prototype = prototype_for(number, program_type)
    return UNKNOWN if prototype is None else of_prototype(prototype)
