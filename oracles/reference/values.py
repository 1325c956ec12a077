"""What a register or eight bytes of stack hold on a path: a number, a pointer, a pointer that turned out
null, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from oracles.terms.stack import SymbolicStack
from oracles.terms.term import Term


class NoValue:
    """Never written, or not since a call."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = NoValue()
RELEASED: Final = NoValue()
"""What is left, without privilege, of a pointer to an object that was given back."""


LONGEST_PACKET: Final = 1 << 20
"""Bytes: more than any packet has (GSO_MAX_SIZE, include/linux/netdevice.h, is half of it)."""


class RegionKind(Enum):
    """What a pointer points into; values are the words messages use."""

    CONTEXT = "ctx"
    STACK = "fp"
    MAP_VALUE = "map_value"
    PACKET = "pkt"
    MAP = "map_ptr"
    MEMORY = "mem"
    RING_BUFFER = "ringbuf_mem"
    SOCKET = "sock"
    SOCK_COMMON = "sock_common"
    TCP_SOCK = "tcp_sock"
    XDP_SOCK = "xdp_sock"
    FLOW_KEYS = "flow_keys"
    TRACEPOINT_BUFFER = "tp_buffer"
    CODE = "func"
    KERNEL = "kernel"
    OBJECT = "obj"
    VARIABLE = "percpu_var"


class Trust(Enum):
    """Why a pointer to a structure of the kernel's may be followed (Documentation/bpf/kfuncs.rst)."""

    HELD = "held, or given by the kernel"
    PROTECTED = "kept by an RCU read-side critical section"
    DOUBTED = "kept, though some kernels think otherwise"
    NONE = "nothing keeps it"


SOCKETS: Final = frozenset(
    {RegionKind.SOCKET, RegionKind.SOCK_COMMON, RegionKind.TCP_SOCK, RegionKind.XDP_SOCK}
)


@dataclass(frozen=True, slots=True, eq=False)
class SymbolicRegion:
    """Memory, or a kernel object; equal only to itself.

    ``size`` in bytes (symbolic for the packet).  ``map``: index of the map a value or handle belongs to.
    ``readable``, ``writable``: what the map's flags or the region's nature allow.  ``key``: for map values
    the text of the looked-up key, so that two lookups of one key are known to share memory.  ``struct``: for
    the kernel's own, which structure it is.  ``content``: of an iterator's number, its 64 bits, as long as
    the iterator is at it.
    """

    kind: RegionKind
    id: int
    size: Term = 0
    map: int | None = None
    readable: bool = True
    writable: bool = True
    frame: int = 0
    key: str = ""
    struct: str = ""
    trust: Trust = Trust.HELD
    content: Term | None = None


@dataclass(frozen=True, slots=True)
class SymbolicPointer:
    """``offset`` (64 bits, signed) bytes into ``region``.

    ``check``: number of the call that gave it, as long as the program has not compared it with null where
    that matters to a kernel. ``end``: it is the packet's end.  ``reference``: number of the reference that it
    holds.
    """

    region: SymbolicRegion
    offset: Term
    check: int | None = None
    end: bool = False
    reference: int | None = None


@dataclass(frozen=True, slots=True)
class Null:
    """The null that call number ``check`` gave instead of a pointer, not yet compared; as a number it is
    0."""

    check: int
    kind: RegionKind


@dataclass(frozen=True, slots=True, eq=False)
class ObjectOnStack:
    """What the kernel keeps on the stack: one as long as all bytes that were stored are there."""


@dataclass(frozen=True, slots=True, eq=False)
class SavedFlagsOnStack(ObjectOnStack):
    """``depth``: how many sections without interrupts the path was in once they were saved."""

    depth: int


@dataclass(frozen=True, slots=True, eq=False)
class IteratorOnStack(ObjectOnStack):
    """An open-coded iterator that holds ``reference``.  Of numbers: the ``last`` that it gave, and the
    ``end``, 64 bits signed; the ``element`` that holds it.  Of bits: those ``set`` that it has still to give,
    or ``left``, how many these are at most; both None where nothing is known."""

    kind: str
    reference: int
    last: Term = 0
    end: Term = 0
    element: SymbolicRegion | None = None
    set: int | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DynptrOnStack(ObjectOnStack):
    """``view`` bytes of ``region`` from ``start`` on; no region: it is null, or ``of_packet``, of whose bytes
    nothing is known.  ``reference``: of the record that it must give back."""

    region: SymbolicRegion | None
    start: Term
    view: int
    reference: int | None = None
    of_packet: bool = False

    def holds(self, offset: int, size: int) -> bool:
        """Whether so many bytes are there."""
        return size <= self.view and offset <= self.view - size


Value = Term | SymbolicPointer | Null | NoValue | ObjectOnStack

FrameStack = SymbolicStack[SymbolicPointer | Null | NoValue | ObjectOnStack]
Byte = tuple[Value, int, int]
"""A value that was stored, which of its bytes this is, and how many were stored."""
