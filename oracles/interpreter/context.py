"""The context a run starts with: fields from ctx_in, the packet's pointers, and values only the kernel
knows."""

from __future__ import annotations

from ebpf import rules
from ebpf.contexts import CONTEXTS, HALF_WORDS, AccessRefusal, Context, ContextField, ctx_access
from ebpf.program import Case, Input
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import NEWEST
from oracles.interpreter.environment import Environment
from oracles.interpreter.memory import Region, Value
from oracles.interpreter.signals import Abstain, Trap

BPF = {"CAP_BPF", "CAP_SYS_ADMIN"}
LARGEST = 4096
"""Bytes of a context that the input says nothing of."""


class ContextRegion(Region):
    """A region whose loads and stores follow the program type's layout; ``loaded`` are the pointers that
    loads gave, by offset."""

    __slots__ = ("attach", "capable", "layout", "link_header", "loaded", "type")

    attach: AttachType | None
    capable: bool
    layout: Context
    link_header: int
    loaded: dict[int, Value]
    type: ProgramType


def build_context(case: Case, data: Input, packet: Region, environment: Environment) -> ContextRegion:
    """The context of the case's program run on ``data``."""
    program = case.program
    layout = CONTEXTS.get(program.type, Context("unspec", 0))
    size = max(min(layout.size, LARGEST), len(data.context)) if layout.fields else 64
    content = bytearray(data.context[:size].ljust(size, b"\0"))
    region = ContextRegion("ctx", content, environment.base(size), rules.CONTEXT_BOUNDS, defined=False)
    region.layout, region.type, region.attach = layout, program.type, program.attach_type
    region.capable = case.capabilities is None or not BPF.isdisjoint(case.capabilities)
    region.link_header, region.loaded = layout.link_header, {}
    _define(region, data)
    if layout.struct == "__sk_buff":
        region.store(0, max(0, len(packet.data) - layout.link_header).to_bytes(4, "little"))
    return region


def _define(region: ContextRegion, data: Input) -> None:
    """Mark what a run can rely on.

    A test run of a packet program takes some fields from ctx_in and wants the others zero; what these then
    hold is the kernel's own affair.  An input that sets one of them all the same, or scripts helper results,
    is not meant for a kernel: all of it counts.
    """
    written = region.written
    assert written is not None
    packet_run = region.layout.struct in ("__sk_buff", "xdp_md")
    given = bytearray(len(region.data))
    for field in region.layout.fields:
        # What may be stored to starts as zero in a test run, or as ctx_in says.
        if field.given or (packet_run and field.writes):
            given[field.offset : field.offset + field.size] = b"\1" * field.size
    del given[len(region.data) :]
    # Most contexts are zero, which is told in no time.
    imposed = bool(data.helpers) or (
        any(data.context) and any(byte and not known for byte, known in zip(region.data, given, strict=True))
    )
    if imposed or not packet_run:
        given[: len(data.context)] = b"\1" * min(len(data.context), len(given))
    written[:] = given


def field_at(region: ContextRegion, offset: int, size: int, *, write: bool) -> ContextField:
    """The field that an access is of; traps where the program type does not allow it."""
    if region.layout.kernel_btf or not region.layout.size:
        raise Abstain(f"the context of {region.type.name.lower()}")
    field = ctx_access(region.type, region.attach, offset, size, write, region.capable, NEWEST)
    if isinstance(field, AccessRefusal):
        raise Trap(field.rule, field.detail)
    return field


def check_store(region: ContextRegion, offset: int, size: int) -> None:
    """Trap unless the field may be written so."""
    field = field_at(region, offset, size, write=True)
    if field.name in HALF_WORDS and region.layout.struct == "__sk_buff":
        raise Abstain(f"a store to {field.name} of the context, which the kernel keeps in 16 bits")
