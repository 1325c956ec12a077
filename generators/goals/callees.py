"""Which callees a goal may pick: those whose arguments something gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.helpers import PROTOTYPES, prototype_for
from ebpf.helpers.availability import ALL, is_certain
from ebpf.helpers.map_types import BY_HELPER
from ebpf.helpers.prototype import Arg, Prototype, ResultKind
from ebpf.helpers.prototype import ArgKind as A
from ebpf.helpers.variants import SLEEPING
from ebpf.kfuncs import KernelFunction
from ebpf.maps import MapSpec, MapType
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import Since
from generators.builder import Builder
from generators.goals.called_back import CALLED_BACK
from generators.goals.kernel_functions import callable_functions
from generators.goals.map_templates import templates_for
from generators.goals.wishes import GIVEN, ContextPointer, Wish, context_pointers, given_by, wish_of
from generators.productions.helpers import MODELLED, UNWANTED
from generators.state import PointerKind as P

_RESULTS = GIVEN.keys() | {
    ResultKind.INTEGER, ResultKind.VOID, ResultKind.MAP_VALUE, ResultKind.MAP_VALUE_OR_NULL,
    ResultKind.MEM_OR_BTF_ID, ResultKind.MEM_OR_BTF_ID_OR_NULL,
}  # fmt: skip
_PLAIN = MODELLED | {A.ALLOC_SIZE_OR_ZERO, A.CONST_STR, A.PERCPU_BTF_ID}
_BY_NAME = {A.FUNC, A.STACK_OR_NULL}
"""Taken where there is a function for that helper (:mod:`generators.goals.called_back`)."""
_NOT_YET = UNWANTED - {
    "map_update_elem", "get_local_storage", "get_stackid", "get_stack", "get_task_stack", "tail_call",
    "perf_event_output", "send_signal", "send_signal_thread", "trace_printk", "trace_vprintk", "snprintf",
    "seq_printf",
    "set_retval", "get_func_arg", "copy_from_user_task",
}  # fmt: skip
LOOKED_UP = (
    (MapType.XSKMAP, P.XDP_SOCK, False),
    (MapType.SOCKMAP, P.SOCKET, True),
    (MapType.SOCKHASH, P.SOCKET, True),
)
"""Maps in which a lookup finds a socket, of which kind, and whether that must be released."""
Giver = Prototype | KernelFunction | ContextPointer | MapSpec
"""What gives a pointer: a call, a field of the context, or a lookup in a map."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What a program is, as far as it decides on what it may call."""

    type: ProgramType
    attach_type: AttachType | None = None
    attach_to: str | None = None
    linux: tuple[int, int] = (7, 3)
    gpl: bool = True
    sleepable: bool = False
    may_sleep: bool = False
    """Whether it may sleep at this very place."""
    functions: bool = True
    """Whether it may name what is the kernel's: functions and variables."""

    @property
    def release(self) -> str:
        """The version, as tables take it."""
        return ".".join(map(str, self.linux))


def caller_of(b: Builder) -> Caller:
    """What the program is at this place."""
    functions = b.profile.kernel_functions and b.gpl
    return Caller(
        b.type, b.attach_type, b.attach_to, b.profile.linux, b.gpl, b.sleepable, b.may_sleep, functions
    )


@cache
def candidates(caller: Caller) -> tuple[Prototype, ...]:
    """What such a program with privilege may call, and all of whose arguments something gives."""
    offered = [
        prototype
        for number in sorted(PROTOTYPES)
        if (prototype := prototype_for(number, caller.type)) is not None
        and is_certain(caller.type, caller.attach_type, number, caller.release, ALL)
        and caller.release in Since(prototype.since)
        and (caller.gpl or not prototype.gpl_only)
        and (caller.functions or not any(arg.kind is A.PERCPU_BTF_ID for arg in prototype.args))
        and (caller.may_sleep or not _sleeps(prototype, caller))
        and prototype.name not in _NOT_YET
        and prototype.result in _RESULTS
        and _has_map(prototype, caller)
    ]
    reached: list[Prototype] = []
    given = {(each.pointer.kind, each.pointer.struct) for each in _fields(caller)}
    given |= {(kind, "") for _, kind in _lookups(caller, referenced=False)}
    given |= {(P.STRUCTURE, function.gives) for function in _functions(caller)}
    held = {(kind, "") for _, kind in _lookups(caller, referenced=True)}
    while True:
        more = [p for p in offered if p not in reached and _is_given(p, caller.release, given, held)]
        if not more:
            return tuple(reached)
        reached += more
        given |= {pointer for prototype in more if (pointer := given_by(prototype)) is not None}
        held |= {pointer for p in more if p.acquires and (pointer := given_by(p)) is not None}


def _sleeps(prototype: Prototype, caller: Caller) -> bool:
    return prototype.sleepable or (prototype.name in SLEEPING and caller.sleepable)


def _fields(caller: Caller) -> tuple[ContextPointer, ...]:
    return context_pointers(caller.type, caller.attach_type, caller.attach_to, caller.release)


def _functions(caller: Caller) -> list[KernelFunction]:
    if not caller.functions:
        return []
    functions = callable_functions(caller.type, caller.linux, caller.may_sleep)
    return [function for function in functions if function.step is None and function.gives]


@cache
def _lookups(caller: Caller, *, referenced: bool) -> tuple[tuple[MapSpec, P], ...]:
    """Maps in which it may look up sockets, and the kind of these."""
    releases = may_call(caller, "sk_release")
    takes = frozenset(kind for kind, _, held in LOOKED_UP if (releases if held else not referenced))
    kinds = {kind: pointer for kind, pointer, _ in LOOKED_UP}
    specs = templates_for("map_lookup_elem", takes, caller.type, caller.linux, caller.sleepable, sockets=True)
    return tuple((spec, kinds[spec.type]) for spec in specs)


def may_call(caller: Caller, name: str) -> bool:
    """Whether it may call the helper of that name."""
    return is_certain(caller.type, caller.attach_type, HELPER_NUMBERS[name], caller.release, ALL)


MAPS_OFTEN = 4


def _has_map(prototype: Prototype, caller: Caller) -> bool:
    return prototype.maps is None or bool(
        templates_for(prototype.name, prototype.maps, caller.type, caller.linux, caller.sleepable)
    )


def _is_given(
    prototype: Prototype, release: str, given: set[tuple[P, str]], held: set[tuple[P, str]]
) -> bool:
    for at, arg in enumerate(prototype.args, 1):
        wish = wish_of(arg)
        if wish is None:
            if arg.kind not in (_PLAIN | _BY_NAME if prototype.name in CALLED_BACK else _PLAIN):
                return False
        elif release not in Since(wish.null_since):
            pointers = held if prototype.releases == at else given
            if not any(wish.takes(*pointer) for pointer in pointers):
                return False
    return True


def is_goal(prototype: Prototype) -> bool:
    """Whether calling it is more than production "helper" does already."""
    return (
        prototype.maps is not None
        or prototype.result not in (ResultKind.INTEGER, ResultKind.VOID)
        or any(wish_of(arg) is not None or arg.kind not in MODELLED for arg in prototype.args)
    )


@cache
def goals(caller: Caller) -> tuple[Prototype, ...]:
    """What a goal picks from; what concerns references, as often as all the rest.  A helper that alone takes
    some types of maps counts once for each, one that takes most of them so many times."""
    chosen = [
        p
        for p in candidates(caller)
        if is_goal(p)
        for _ in range(len(BY_HELPER.get(p.name, ())) or (MAPS_OFTEN if p.maps else 1))
    ]
    about_references = [
        p
        for p in chosen
        if p.acquires or p.releases is not None or any(_is_of_something(arg) for arg in p.args)
    ]
    again = max(1, len(chosen) // len(about_references)) if about_references else 0
    return tuple(chosen + about_references * again)


def _is_of_something(arg: Arg) -> bool:
    """Whether it is a pointer to a socket or a record."""
    wish = wish_of(arg)
    return wish is not None and bool(wish.kinds)


@cache
def givers(wish: Wish, referenced: bool, caller: Caller) -> tuple[Giver, ...]:
    """What gives such a pointer; ``referenced``: one that must be released."""
    found: list[Giver] = []
    if not referenced:
        found += [each for each in _fields(caller) if wish.takes(each.pointer.kind, each.pointer.struct)]
    found += [
        prototype
        for prototype in candidates(caller)
        if (pointer := given_by(prototype)) is not None
        and wish.takes(*pointer)
        and (prototype.acquires or not referenced)
    ]
    found += [spec for spec, kind in _lookups(caller, referenced=referenced) if wish.takes(kind)]
    found += [
        function
        for function in _functions(caller)
        if wish.takes(P.STRUCTURE, function.gives) and (function.acquires or not referenced)
    ]
    return tuple(found)
