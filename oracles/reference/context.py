"""The context and sockets: which accesses a program type allows, by the tables of :mod:`ebpf.contexts`, and
what they give."""

from __future__ import annotations

from ebpf import rules
from ebpf.contexts import (
    AS_IT_IS,
    CONTEXTS,
    FREE_CONTEXT,
    AccessRefusal,
    ContextField,
    ContextFieldKind,
    ctx_access,
)
from ebpf.program_rules import CONSTANT_CONTEXT_STORES
from ebpf.program_types import ProgramType
from ebpf.releases import NEWEST, release_key
from ebpf.sockets import SocketKind, socket_field
from ebpf.wording import in_bytes
from oracles.reference.answer import spans
from oracles.reference.events import Chance, ContextRead
from oracles.reference.explorer import Explorer
from oracles.reference.registers import is_pointer, number
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import Null, RegionKind, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.term import Term, add, extract, mask, negate, symbol, to_signed, zero_extend

_SOCKETS = {ContextFieldKind.SOCKET: RegionKind.SOCKET, ContextFieldKind.SOCKET_OR_NULL: RegionKind.SOCKET,
            ContextFieldKind.SOCK_COMMON_OR_NULL: RegionKind.SOCK_COMMON}  # fmt: skip

FLOW_KEYS = 56
"""sizeof(struct bpf_flow_keys), include/uapi/linux/bpf.h."""
KEPT = frozenset({"cb", "cb0", "cb1", "cb2", "cb3", "cb4", "mark", "priority", "memory"})
"""Fields that give back what was stored; others have fewer bits than their place (tc_index: 16), or a store
does something."""


def series(release: str) -> tuple[int, int]:
    """(major, minor)."""
    key = release_key(release)
    return key[0], key[1]


def _place(x: Explorer, s: SymbolicState, pointer: SymbolicPointer, offset: int) -> int:
    """Where in the context, which must be known; kernels also want the pointer itself not moved."""
    moved = x.constant(s, pointer.offset)
    type_ = x.facts.program.type
    before = series(FREE_CONTEXT) if type_ is ProgramType.SYSCALL else None
    if moved is None:
        x.refuse(s, rules.CONTEXT_MODIFIED, "by an unknown distance", before=before)
        raise Unmodelled("a context access at an unknown offset")
    if moved:
        before = series(FREE_CONTEXT) if type_ in AS_IT_IS else None
        x.refuse(s, rules.CONTEXT_MODIFIED, f"by {to_signed(moved, 64)}", before=before)
    return to_signed(moved + offset & mask(64), 64)


def _field(x: Explorer, s: SymbolicState, at: int, size: int, *, write: bool) -> ContextField:
    """The field; kernels that do not have it refuse, and where none has it no access is safe."""
    layout = CONTEXTS.get(x.facts.program.type)
    if layout is None or layout.kernel_btf:
        _kernel_arguments(x, s, at, size, write=write)
        raise Unmodelled(f"the context of {x.facts.program.type.name.lower()}")
    kind, attach = x.facts.program.type, x.facts.program.attach_type

    def ask(release: str) -> ContextField | AccessRefusal:
        return ctx_access(kind, attach, at, size, write, x.facts.capable, release)

    found = ask(NEWEST)
    stretches = list(spans(lambda release: isinstance(ask(release), AccessRefusal)))
    if isinstance(found, AccessRefusal):
        for since, before in stretches:
            x.refuse(s, found.rule, found.detail, since=since, before=before)
        x.violation(s, found.rule, found.detail)
    for since, before in stretches:
        x.refuse(s, rules.CONTEXT_BOUNDS, found.name, since=since, before=before)
    return found


def _kernel_arguments(x: Explorer, s: SymbolicState, at: int, size: int, *, write: bool) -> None:
    """What kernels refuse whatever the function's types are (kernel/trace/bpf_trace.c:
    tracing_prog_is_valid_access; kernel/bpf/btf.c: btf_ctx_access; Linux 6.1 to 7.3)."""
    if x.facts.program.type is not ProgramType.TRACING:
        return
    if write or not 0 <= at < CONTEXTS[ProgramType.TRACING].size or at % size or at % 8:
        verb = "write" if write else "read"
        x.refuse(s, rules.CONTEXT_BOUNDS, f"{verb} of {in_bytes(size)} at offset {at}")


def load(
    x: Explorer, s: SymbolicState, pointer: SymbolicPointer, offset: int, size: int
) -> list[tuple[SymbolicState, Value]]:
    """``size`` bytes of the context, on each path."""
    at = _place(x, s, pointer, offset)
    field = _field(x, s, at, size, write=False)
    if field.kind is ContextFieldKind.NUMBER:
        known = s.context.get((at, size))
        if known is None or not x.solver.relates:
            fresh: Term = zero_extend(symbol(f"ctx{at}!{s.number()}", 8 * size), 8 * size)
            s.note(Chance("context") if _overwritten(s, at, size) else ContextRead(at, size, fresh))
            s.context[at, size] = known = fresh
        return [(s, known)]
    if field.kind in (ContextFieldKind.PACKET, ContextFieldKind.PACKET_META, ContextFieldKind.PACKET_END):
        return [(s, _packet(s, field.kind))]
    if field.kind in _REGIONS:
        return [(s, _region(s, field, at))]
    if field.kind not in _SOCKETS:
        raise Unmodelled(f"the context's {field.kind.value}")
    return _socket(x, s, field, at, size)


_REGIONS: dict[ContextFieldKind, tuple[RegionKind, int]] = {
    ContextFieldKind.FLOW_KEYS: (RegionKind.FLOW_KEYS, FLOW_KEYS),
    ContextFieldKind.BUFFER: (RegionKind.TRACEPOINT_BUFFER, 1 << 29),
    ContextFieldKind.KERNEL: (RegionKind.KERNEL, 0),
}
"""What a field points to, and how many bytes of it there are."""


def _region(s: SymbolicState, field: ContextField, at: int) -> Value:
    """What the field points to, every time the same."""
    known = s.context.get((at, field.size))
    if known is None:
        kind, size = _REGIONS[field.kind]
        kernel = kind is RegionKind.KERNEL
        struct = field.name if kernel else ""
        known = SymbolicPointer(SymbolicRegion(kind, s.number(), size, writable=not kernel, struct=struct), 0)
        s.context[at, field.size] = known
    return known


def _socket(
    x: Explorer, s: SymbolicState, field: ContextField, at: int, size: int
) -> list[tuple[SymbolicState, Value]]:
    """A socket of the context, or null: which of them the first load finds, later ones do too, though every
    one has to be compared with null."""
    kind = _SOCKETS[field.kind]
    known = s.context.get((at, size)) if x.solver.relates else None
    region = (
        known.region
        if isinstance(known, SymbolicPointer)
        else SymbolicRegion(kind, s.number(), writable=False)
    )
    if field.kind is ContextFieldKind.SOCKET:
        s.context[at, size] = SymbolicPointer(region, 0)
        return [(s, SymbolicPointer(region, 0))]
    check = s.number()
    there, null = SymbolicPointer(region, 0, check), Null(check, kind)
    if known is not None:
        return [(s, null if isinstance(known, Null) else there)]
    none = s.fork()
    for path, value, number_ in ((s, there, 1), (none, null, 0)):
        path.context[at, size] = value
        path.note(Chance(field.name) if _overwritten(path, at, size) else ContextRead(at, size, number_))
    return [(s, there), (none, null)]


def _overwritten(s: SymbolicState, at: int, size: int) -> bool:
    """Whether some of those bytes are no longer the input's."""
    return any(place < at + size and at < place + width for place, width in s.stored)


def _packet(s: SymbolicState, kind: ContextFieldKind) -> SymbolicPointer:
    assert s.packet is not None
    if kind is ContextFieldKind.PACKET_END:
        return SymbolicPointer(s.packet, s.packet.size, end=True)
    if kind is ContextFieldKind.PACKET:
        return SymbolicPointer(s.packet, 0)
    if s.metadata is None:
        # A multiple of four bytes (include/net/xdp.h, xdp_metalen_invalid).
        s.metadata = zero_extend(symbol(f"metadata!{s.number()}", 8) & 0xFC, 8)
    return SymbolicPointer(s.packet, negate(s.metadata))


def store(
    x: Explorer,
    s: SymbolicState,
    pointer: SymbolicPointer,
    offset: int,
    size: int,
    value: Value,
    *,
    constant: bool,
) -> None:
    """Store to the context; ``constant``: by BPF_ST."""
    at = _place(x, s, pointer, offset)
    if is_pointer(value) and not x.facts.privileged:
        x.refuse(s, rules.POINTER_LEAK, "into the context")
    field = _field(x, s, at, size, write=True)
    if constant:
        x.refuse(s, rules.CONTEXT_BOUNDS, "a constant is stored", before=series(CONSTANT_CONTEXT_STORES))
    bits = number(s, value)
    for place, width in list(s.context):
        if place < at + size and at < place + width:
            del s.context[place, width]
    if field.name in KEPT:
        s.context[at, size] = zero_extend(extract(bits, 8 * size - 1, 0), 8 * size)
    s.stored = (*s.stored, (at, size))


def load_socket(x: Explorer, s: SymbolicState, pointer: SymbolicPointer, offset: int, size: int) -> Value:
    """A field of a socket."""
    if pointer.check is not None:
        x.unchecked(s, pointer.check, rules.NULL_CHECK, pointer.region.kind.value)
    place = x.constant(s, add(pointer.offset, offset & mask(64)))
    if place is None:
        raise Unmodelled("a socket's field at an unknown offset")
    kind = SocketKind(pointer.region.kind.value)
    if socket_field(kind, to_signed(place, 64), size) is None:
        x.violation(s, rules.SOCKET_ACCESS, f"{in_bytes(size)} at {kind.value}{to_signed(place, 64):+d}")
    return zero_extend(x.chance(s, kind.value, 8 * size), 8 * size)
