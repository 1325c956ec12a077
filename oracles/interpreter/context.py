"""The context a run starts with: fields from ctx_in, the packet's pointers, and values only the kernel knows."""

from __future__ import annotations

from ebpf import rules
from ebpf.contexts import CONTEXTS, Context, ContextField, FieldKind
from ebpf.program import Input, Program
from ebpf.program_types import AttachType, ProgramType
from oracles.interpreter.environment import Environment
from oracles.interpreter.memory import Region
from oracles.interpreter.signals import Abstain
from oracles.interpreter.values import Pointer


class ContextRegion(Region):
    """A region whose loads and stores follow the program type's layout; ``layout`` is None where none is modelled."""

    __slots__ = ("hidden", "layout", "link_header", "type")

    layout: Context | None
    hidden: frozenset[str]
    type: ProgramType
    link_header: int


def build_context(program: Program, data: Input, packet: Region, environment: Environment) -> ContextRegion:
    """The context of ``program`` run on ``data``."""
    kind = program.type
    layout = CONTEXTS.get(kind)
    size = layout.size if layout else max(64, len(data.context))
    content = bytearray(data.context[:size].ljust(size, b"\0"))
    region = ContextRegion("ctx", content, environment.base(size), rules.CONTEXT_BOUNDS)
    region.layout, region.type = layout, kind
    region.hidden = layout.hidden if layout and program.attach_type is not AttachType.XDP_DEVMAP else frozenset()
    region.link_header = layout.link_header if layout else 0
    if layout and layout.struct == "__sk_buff":
        content[0:4] = max(0, len(packet.data) - layout.link_header).to_bytes(4, "little")
    return region


def _field(region: ContextRegion, offset: int, size: int) -> ContextField | None:
    if region.layout is None or offset % size:
        return None
    field = region.layout.field_at(offset, size)
    return None if field is None or field.name in region.hidden else field


HALF_WORDS = frozenset({"tc_index", "tc_classid", "queue_mapping"})
"""Fields that the kernel keeps in 16 bits."""


def may_store(region: ContextRegion, offset: int, size: int) -> bool:
    """Whether a store is allowed: to words of cb in any size, to other fields whole."""
    field = _field(region, offset, size)
    if field is None or region.layout is None or field.name not in region.layout.writable:
        return False
    if field.name in HALF_WORDS:
        raise Abstain(f"a store to {field.name} of the context, which the kernel keeps in 16 bits")
    return size == field.size or field.name.startswith("cb")


def load(region: ContextRegion, offset: int, size: int, packet: Region, environment: Environment) -> int | Pointer | None:
    """A load of ``size`` bytes, aligned and inside one field (net/core/filter.c, bpf_skb_is_valid_access); None where it is not
    allowed."""
    layout = region.layout
    field = _field(region, offset, size)
    if layout is None or field is None or (field.whole and size != field.size):
        return None
    if field.kind is FieldKind.POINTER:
        raise Abstain(f"the kernel pointer {field.name} of the context")
    if field.kind in (FieldKind.PACKET, FieldKind.PACKET_META):
        return Pointer(packet, region.link_header)
    if field.kind is FieldKind.PACKET_END:
        return Pointer(packet, len(packet.data))
    known = field.given or field.name == "len" or field.name in layout.writable
    return int.from_bytes(region.data[offset : offset + size], "little") if known else environment.bits(8 * size)
