"""Handlers of the legacy packet loads, which end the program where the bytes are not there."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program_rules import LEGACY_LOADS
from oracles.interpreter.arithmetic import signed
from oracles.interpreter.machine import LEAVE, Handler, Machine
from oracles.interpreter.memory import Pointer

ETHERNET_HEADER = 14
NETWORK, LINK = -0x100000, -0x200000
"""SKF_NET_OFF and SKF_LL_OFF, include/uapi/linux/filter.h: from there on, negative offsets count from a
header."""


def _packet_start(offset: int, link_header: int) -> int:
    """Where in the packet a legacy load reads; negative for nowhere (net/core/filter.c,
    bpf_skb_load_helper_8)."""
    if offset >= 0:
        return offset + link_header
    if offset >= NETWORK:
        return offset - NETWORK + ETHERNET_HEADER
    return offset - LINK


def _packet(size: int, indirect: bool) -> Handler:
    def handle(m: Machine, insn: Insn, pc: int) -> int:
        if m.registers[6] != Pointer(m.context, 0):
            m.trap(rules.PACKET_LOAD_CONTEXT, "R6 is not the context")
        if m.program.type not in LEGACY_LOADS:
            m.trap(rules.PACKET_LOAD_CONTEXT, f"{m.program.type.name.lower()} programs have no packet loads")
        offset = insn.imm
        if indirect:
            offset = signed((m.number(m.read(insn.src)) + insn.imm) & 0xFFFF_FFFF, 32)
        for register in range(1, 6):
            m.scratch(register)
        m.check_packet()
        start = _packet_start(offset, m.context.packet_start)
        if not m.packet.holds(start, size):
            # The program ends with 0 when the bytes are not there (RFC 9669, section 5.5; Linux:
            # bpf_skb_load_helper).
            m.write(0, 0)
            if len(m.frames) == 1:
                m.resources.check_exit()
                return LEAVE
            return m.pop_frame()
        m.write(0, int.from_bytes(m.packet.data[start : start + size], "big"))
        return pc + 1

    return handle


def _all() -> Iterator[tuple[int, Handler]]:
    for code, size in o.SIZE_BYTES.items():
        if size < 8:
            yield o.LD | o.ABS | code, _packet(size, indirect=False)
            yield o.LD | o.IND | code, _packet(size, indirect=True)


HANDLERS: dict[int, Handler] = dict(_all())
