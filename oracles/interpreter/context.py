"""The context a run starts with: fields from ctx_in, the packet's pointers, and values only the kernel
knows."""

from __future__ import annotations

from ebpf import rules
from ebpf.byte_order import ByteOrder
from ebpf.contexts import CONTEXTS, HALF_WORDS, AccessRefusal, Context, ContextField, ctx_access
from ebpf.program import Case, Input
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import NEWEST
from oracles.interpreter.environment import DOUBLE_WORD, Environment
from oracles.interpreter.memory import Region, Value
from oracles.interpreter.signals import Abstain, Trap

BPF = {"CAP_BPF", "CAP_SYS_ADMIN"}
LARGEST = 4096
"""Bytes of a context that the input says nothing of."""
METADATA_UNIT, LONGEST_METADATA = 4, 252
"""Bytes (include/net/xdp.h, xdp_metalen_invalid; older kernels take 32 at most)."""


class ContextRegion(Region):
    """A region whose loads and stores follow the program type's layout.

    ``loaded``: the pointers that loads gave, by offset.  ``packet_start`` and ``metadata_start``: where in
    the packet's region ``data`` and ``data_meta`` point.
    """

    __slots__ = ("attach", "capable", "layout", "loaded", "metadata_start", "packet_start", "type")

    attach: AttachType | None
    capable: bool
    layout: Context
    loaded: dict[int, Value]
    metadata_start: int
    packet_start: int
    type: ProgramType


def build_context(case: Case, data: Input, packet: Region, environment: Environment) -> ContextRegion:
    """The context of the case's program run on ``data``."""
    program = case.program
    layout = CONTEXTS.get(program.type, Context("unspec", 0))
    size = max(min(layout.size, LARGEST), len(data.context)) if layout.fields else 64
    content = bytearray(data.context[:size].ljust(size, b"\0"))
    region = ContextRegion(
        "ctx", content, environment.base(size, DOUBLE_WORD), rules.CONTEXT_BOUNDS, defined=False
    )
    region.layout, region.type, region.attach = layout, program.type, program.attach_type
    region.capable = case.capabilities is None or not BPF.isdisjoint(case.capabilities)
    region.loaded = {}
    region.packet_start = region.metadata_start = layout.link_header
    if layout.struct == "xdp_md":
        region.packet_start = metadata_length(data, program.byte_order)
    _define(region, data)
    if layout.struct == "__sk_buff":
        region.store(0, program.byte_order.bytes(max(0, len(packet.data) - layout.link_header), 4))
    return region


def metadata_length(data: Input, order: ByteOrder) -> int:
    """How many bytes of an XDP test run's packet are metadata: what ``data`` of ctx_in says, where the kernel
    takes that (net/bpf/test_run.c, bpf_prog_test_run_xdp; include/net/xdp.h, xdp_metalen_invalid)."""
    start, end, metadata = (order.number(data.context[at : at + 4].ljust(4, b"\0")) for at in (0, 4, 8))
    taken = metadata == 0 and end == len(data.packet) and start <= end and start % METADATA_UNIT == 0
    return start if taken and start <= LONGEST_METADATA else 0


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
        any(data.context)
        # Byte by byte, whatever a number's order.
        and int.from_bytes(region.data, "big") & ~(0xFF * int.from_bytes(given, "big"))
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
