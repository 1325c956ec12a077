"""A field of a context, and the context it is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ebpf.program_types import AttachType


class ContextFieldKind(Enum):
    """What a load of the field gives."""

    NUMBER = "number"
    PACKET = "packet start"
    PACKET_END = "packet end"
    PACKET_META = "packet metadata"
    SOCKET = "socket"
    SOCKET_OR_NULL = "socket or null"
    SOCK_COMMON_OR_NULL = "socket of any kind or null"
    FLOW_KEYS = "flow keys"
    BUFFER = "tracepoint buffer"
    KERNEL = "kernel structure"
    """The field's name is the structure's."""


NARROW = (1, 2, 4)
"""Sizes of a load of a 32-bit field or of a part of it (bpf_ctx_narrow_access_ok, include/linux/filter.h)."""
ANY = (1, 2, 4, 8)
WORD = (4,)
LONG = (8,)


@dataclass(frozen=True, slots=True)
class ContextField:
    """``size`` in bytes; ``reads`` and ``writes`` are the sizes of accesses that are allowed inside it, all
    of them aligned.

    ``start_only``: an access starts where the field does.  ``read_attach``, ``write_attach``: the attach
    types that have it, None for all.  ``needs_bpf``: reading takes CAP_BPF; ``write_needs_bpf``: writing
    does.  ``given``: BPF_PROG_TEST_RUN takes the value from ctx_in, so that a run can predict it.  ``since``:
    the first kernel that has the field.
    """

    name: str
    offset: int
    size: int = 4
    kind: ContextFieldKind = ContextFieldKind.NUMBER
    reads: tuple[int, ...] = NARROW
    writes: tuple[int, ...] = ()
    start_only: bool = False
    read_attach: frozenset[AttachType] | None = None
    write_attach: frozenset[AttachType] | None = None
    needs_bpf: bool = False
    write_needs_bpf: bool = False
    given: bool = False
    since: str = "3.18"

    @property
    def whole(self) -> bool:
        """Whether only loads of the whole field are allowed."""
        return self.reads == (self.size,)

    def holds(self, offset: int, size: int) -> bool:
        """Whether those bytes lie inside."""
        return self.offset <= offset and offset + size <= self.offset + self.size

    def written(
        self, *sizes: int, attach: frozenset[AttachType] | None = None, needs_bpf: bool = False
    ) -> ContextField:
        """The same field where it may be written."""
        return replace(self, writes=sizes or (self.size,), write_attach=attach, write_needs_bpf=needs_bpf)


@dataclass(frozen=True, slots=True)
class Context:
    """``fields`` are those that the program type may access, by offset; bytes between them belong to nobody.

    ``link_header``: bytes of Ethernet header that the program does not see (BPF_PROG_TEST_RUN is given them
    all the same). ``kernel_btf``: the layout is that of a kernel function's arguments, which only the
    kernel's BTF tells.
    """

    struct: str
    size: int
    fields: tuple[ContextField, ...] = ()
    link_header: int = 0
    kernel_btf: bool = False

    def field_at(self, offset: int, size: int) -> ContextField | None:
        """The field that holds ``size`` bytes from ``offset``, or None; one that allows that size first."""
        holding = [field for field in self.fields if field.holds(offset, size)]
        return next((field for field in holding if size in field.reads), holding[0] if holding else None)


def words(names: str, offset: int, reads: tuple[int, ...] = NARROW) -> tuple[ContextField, ...]:
    """Successive 32-bit fields."""
    return tuple(ContextField(name, offset + 4 * n, reads=reads) for n, name in enumerate(names.split()))


def array(name: str, offset: int, count: int = 4) -> tuple[ContextField, ...]:
    """``count`` words of one field, as an IPv6 address has four."""
    return words(" ".join(f"{name}_{n}" for n in range(count)), offset)


def pointer(name: str, offset: int, kind: ContextFieldKind, size: int = 8) -> ContextField:
    """A field that holds a pointer: read whole."""
    return ContextField(name, offset, size, kind, (size,))
