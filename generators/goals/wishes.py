"""What an argument of a helper must be where only a call, or a field of the context, gives that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ebpf.contexts import CONTEXTS
from ebpf.contexts.kernel_arguments import ARGUMENTS, MEMBERS
from ebpf.helpers.ownership import GIVEN_STRUCTURES
from ebpf.helpers.prototype import Arg, Prototype, ResultKind
from ebpf.helpers.prototype import ArgKind as A
from ebpf.kfuncs import is_a
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import Since
from generators.state import KnownPointer
from generators.state import PointerKind as P
from generators.transfer.memory import SOCKET_FIELDS

ANY_SOCKET = frozenset({P.SOCKET, P.SOCK_COMMON, P.TCP_SOCK, P.XDP_SOCK})
SOCKET_STRUCTURES = frozenset({"sock"})
"""Structures of the kernel's that are taken for a socket of any kind, beside those that a cast gives."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A pointer that an argument wants."""

    kinds: frozenset[P]
    structs: frozenset[str] = frozenset()
    """Which structures of the kernel's are that too."""
    null_since: str = ""
    """The first kernel for which null will do, of those that were asked; empty: for none."""

    def takes(self, kind: P, struct: str = "") -> bool:
        """Whether such a pointer is what is wanted."""
        if kind is P.STRUCTURE:
            return any(is_a(struct, wanted) for wanted in self.structs)
        return kind in self.kinds


_WISHES: dict[A, Wish] = {
    A.SOCKET: Wish(frozenset({P.SOCKET})),
    A.SOCKET_OR_NULL: Wish(frozenset({P.SOCKET}), null_since="4.20"),
    A.SOCK_COMMON: Wish(ANY_SOCKET),
    A.BTF_ID_SOCK_COMMON: Wish(ANY_SOCKET, SOCKET_STRUCTURES),
    A.RINGBUF_MEM: Wish(frozenset({P.MEMORY})),
}
_STRUCTURES = frozenset({A.BTF_ID, A.BTF_ID_OR_NULL})


@cache
def wish_of(arg: Arg) -> Wish | None:
    """What the argument wants; None where it wants no such pointer."""
    if arg.kind in _STRUCTURES:
        # 6.1 does not take null for the owner of storage.
        return Wish(
            frozenset(), frozenset({arg.name}), null_since="6.12" if arg.kind is A.BTF_ID_OR_NULL else ""
        )
    return _WISHES.get(arg.kind)


GIVEN: dict[ResultKind, P] = {
    ResultKind.SOCKET_OR_NULL: P.SOCKET,
    ResultKind.SOCK_COMMON_OR_NULL: P.SOCK_COMMON,
    ResultKind.TCP_SOCK_OR_NULL: P.TCP_SOCK,
    ResultKind.ALLOC_MEM_OR_NULL: P.MEMORY,
    ResultKind.BTF_ID: P.STRUCTURE,
    ResultKind.BTF_ID_OR_NULL: P.STRUCTURE,
}


def given_by(prototype: Prototype) -> tuple[P, str] | None:
    """The pointer that a call of the helper gives, and which structure of the kernel's that is."""
    kind = GIVEN.get(prototype.result)
    return None if kind is None else (kind, GIVEN_STRUCTURES.get(prototype.name, ""))


@dataclass(frozen=True, slots=True)
class ContextPointer:
    """A pointer that the context holds."""

    offset: int
    pointer: KnownPointer
    inside: tuple[int, ...] = ()
    """Where it is not the context's own: offsets of the pointers that lead on to it."""


@cache
def context_pointers(
    program_type: ProgramType, attach_type: AttachType | None, attach_to: str | None, release: str
) -> tuple[ContextPointer, ...]:
    """The sockets and structures that such a program's context leads to."""
    found = [
        ContextPointer(field.offset, SOCKET_FIELDS[field.kind])
        for field in CONTEXTS[program_type].fields
        if field.kind in SOCKET_FIELDS
        and release in Since(field.since)
        and (field.read_attach is None or attach_type in field.read_attach)
    ]
    for offset, struct in ARGUMENTS.get((program_type, attach_to or ""), {}).items():
        found.append(ContextPointer(offset, KnownPointer(P.STRUCTURE, struct=struct)))
        found += [
            ContextPointer(offset, KnownPointer(P.STRUCTURE, struct=to), (inner,))
            for (outer, inner), to in MEMBERS.items()
            if outer == struct
        ]
    return tuple(found)
