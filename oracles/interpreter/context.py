"""The context a run starts with: fields from ctx_in, the packet's pointers, and values only the kernel knows."""

from __future__ import annotations

from ebpf import rules
from ebpf.contexts import CONTEXTS, Context, FieldKind
from ebpf.program import Input
from ebpf.program_types import ProgramType
from oracles.interpreter.environment import Environment
from oracles.interpreter.memory import Region
from oracles.interpreter.values import Pointer


class ContextRegion(Region):
    """A region whose loads and stores follow the program type's layout; ``layout`` is None where none is modelled."""

    __slots__ = ("layout", "link_header", "type")

    layout: Context | None
    type: ProgramType
    link_header: int


def build_context(kind: ProgramType, data: Input, packet: Region, environment: Environment) -> ContextRegion:
    """The context of a program of type ``kind`` run on ``data``."""
    layout = CONTEXTS.get(kind)
    size = layout.size if layout else max(64, len(data.context))
    content = bytearray(data.context[:size].ljust(size, b"\0"))
    region = ContextRegion("ctx", content, environment.base(size), rules.CONTEXT_BOUNDS)
    region.layout, region.type = layout, kind
    region.link_header = layout.link_header if layout else 0
    if layout and layout.struct == "__sk_buff":
        content[0:4] = max(0, len(packet.data) - layout.link_header).to_bytes(4, "little")
    return region


def load(region: ContextRegion, offset: int, size: int, packet: Region, environment: Environment) -> int | Pointer | None:
    """A load of ``size`` bytes; None when the layout is not modelled or the field is a kernel pointer."""
    layout = region.layout
    field = layout.field_at(offset, size) if layout else None
    if layout is None or field is None or field.kind is FieldKind.POINTER:
        return None
    if field.kind in (FieldKind.PACKET, FieldKind.PACKET_META):
        return Pointer(packet, region.link_header)
    if field.kind is FieldKind.PACKET_END:
        return Pointer(packet, len(packet.data))
    known = field.given or field.name == "len" or field.name in layout.writable
    return int.from_bytes(region.data[offset : offset + size], "little") if known else environment.bits(8 * size)
