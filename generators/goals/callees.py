"""Which callees a goal may pick: those whose arguments something gives."""

from __future__ import annotations

from functools import cache

from ebpf.helpers import PROTOTYPES, prototype_for
from ebpf.helpers.availability import ALL, is_certain
from ebpf.helpers.map_types import BY_HELPER
from ebpf.helpers.prototype import ArgKind as A
from ebpf.helpers.prototype import Prototype, ResultKind
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import Since
from generators.goals.map_templates import templates_for
from generators.productions.helpers import MODELLED, UNWANTED
from generators.state import PointerKind as P

_ANY_SOCKET = frozenset({P.SOCKET, P.SOCK_COMMON, P.TCP_SOCK})
WANTED: dict[A, frozenset[P]] = {
    A.SOCKET: frozenset({P.SOCKET}),
    A.SOCKET_OR_NULL: frozenset({P.SOCKET}),
    A.SOCK_COMMON: _ANY_SOCKET,
    A.BTF_ID_SOCK_COMMON: _ANY_SOCKET,
    A.RINGBUF_MEM: frozenset({P.MEMORY}),
}
"""By what an argument must be: the pointers that are that, which only a call gives."""
GIVEN: dict[ResultKind, P] = {
    ResultKind.SOCKET_OR_NULL: P.SOCKET,
    ResultKind.SOCK_COMMON_OR_NULL: P.SOCK_COMMON,
    ResultKind.TCP_SOCK_OR_NULL: P.TCP_SOCK,
    ResultKind.ALLOC_MEM_OR_NULL: P.MEMORY,
}
_RESULTS = GIVEN.keys() | {
    ResultKind.INTEGER, ResultKind.VOID, ResultKind.MAP_VALUE, ResultKind.MAP_VALUE_OR_NULL,
    ResultKind.BTF_ID_OR_NULL,
}  # fmt: skip
_PLAIN = MODELLED | {A.ALLOC_SIZE_OR_ZERO}
_NOT_YET = UNWANTED - {
    "map_update_elem",
    "get_local_storage",
    "get_stackid",
    "tail_call",
    "perf_event_output",
} | {
    # What it gives is an empty structure where a kernel is built without it.
    "skc_to_mptcp_sock",
    # The socket that it takes must be one that no lookup gives.
    "sk_assign",
}


@cache
def candidates(
    program_type: ProgramType,
    attach_type: AttachType | None,
    release: tuple[int, int],
    gpl: bool,
    may_sleep: bool = True,
) -> tuple[Prototype, ...]:
    """What such a program with privilege may call, and all of whose arguments something gives."""
    version = ".".join(map(str, release))
    offered = [
        prototype
        for number in sorted(PROTOTYPES)
        if (prototype := prototype_for(number, program_type)) is not None
        and is_certain(program_type, attach_type, number, version, ALL)
        and version in Since(prototype.since)
        and (gpl or not prototype.gpl_only)
        and (not prototype.sleepable or (may_sleep and program_type is ProgramType.SYSCALL))
        and prototype.name not in _NOT_YET
        and prototype.result in _RESULTS
        and _has_map(prototype, program_type, release)
    ]
    reached: list[Prototype] = []
    while True:
        given = {GIVEN[prototype.result] for prototype in reached if prototype.result in GIVEN}
        more = [p for p in offered if p not in reached and all(_is_given(arg.kind, given) for arg in p.args)]
        if not more:
            return tuple(reached)
        reached += more


MAPS_OFTEN = 4


def _has_map(prototype: Prototype, program_type: ProgramType, release: tuple[int, int]) -> bool:
    return prototype.maps is None or bool(
        templates_for(prototype.name, prototype.maps, program_type, release)
    )


def _is_given(kind: A, given: set[P]) -> bool:
    return kind in _PLAIN or not WANTED.get(kind, frozenset()).isdisjoint(given)


def is_goal(prototype: Prototype) -> bool:
    """Whether calling it is more than production "helper" does already."""
    return (
        prototype.maps is not None
        or prototype.result not in (ResultKind.INTEGER, ResultKind.VOID)
        or any(arg.kind in WANTED for arg in prototype.args)
    )


@cache
def goals(
    program_type: ProgramType,
    attach_type: AttachType | None,
    release: tuple[int, int],
    gpl: bool,
    may_sleep: bool = True,
) -> tuple[Prototype, ...]:
    """What a goal picks from; what concerns references, as often as all the rest.  A helper that alone takes
    some types of maps counts once for each, one that takes most of them so many times."""
    chosen = [
        p
        for p in candidates(program_type, attach_type, release, gpl, may_sleep)
        if is_goal(p)
        for _ in range(len(BY_HELPER.get(p.name, ())) or (MAPS_OFTEN if p.maps else 1))
    ]
    about_references = [
        p for p in chosen if p.acquires or p.releases is not None or any(a.kind in WANTED for a in p.args)
    ]
    again = max(1, len(chosen) // len(about_references)) if about_references else 0
    return tuple(chosen + about_references * again)


@cache
def givers(
    kinds: frozenset[P],
    referenced: bool,
    program_type: ProgramType,
    attach_type: AttachType | None,
    release: tuple[int, int],
    may_sleep: bool = True,
) -> tuple[Prototype, ...]:
    """What gives such a pointer; ``referenced``: one that must be released."""
    return tuple(
        prototype
        for prototype in candidates(program_type, attach_type, release, False, may_sleep)
        if GIVEN.get(prototype.result) in kinds and (prototype.acquires or not referenced)
    )
