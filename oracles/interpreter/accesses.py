"""Handlers of loads, stores and the legacy packet loads; every access is checked against its own region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program_rules import LEGACY_LOADS, PACKET_WRITERS
from oracles.interpreter import arena, context
from oracles.interpreter.arithmetic import Handler
from oracles.interpreter.maps import MapHandle
from oracles.interpreter.memory import Region
from oracles.interpreter.objects import KernelRegion, SocketRegion
from oracles.interpreter.signals import Abstain
from oracles.interpreter.values import LEAVE, U64, Pointer, Value, signed

if TYPE_CHECKING:
    from oracles.interpreter.machine import Machine


def locate(m: Machine, pointer: Value, offset: int, size: int) -> tuple[Region, int]:
    """The region and offset of an access of ``size`` bytes at ``pointer + offset``; traps when it is not
    allowed."""
    if not isinstance(pointer, Pointer):
        number = m.number(pointer)
        rule = rules.NULL_DEREFERENCE if number == 0 else rules.SCALAR_DEREFERENCE
        m.trap(rule, f"{size} bytes at 0x{number:x}{offset:+d}")
    region, at = pointer.region, pointer.offset + offset
    if isinstance(region, arena.ArenaRegion):
        return region, at
    if isinstance(region, MapHandle) and at >= 0 and m.privileged:
        raise Abstain("the fields of struct bpf_map")
    if region.gone is not None:
        m.trap(region.gone, f"{size} bytes at {region.name}{at:+d}, which is no longer the program's")
    if isinstance(region, context.ContextRegion | SocketRegion):
        return region, at
    if isinstance(region, KernelRegion):
        region.check()
    if region is m.packet:
        m.check_packet()
    if not region.holds(at, size):
        m.trap(region.bounds, f"{size} bytes at {region.name}{at:+d}, which has {len(region.data)} bytes")
    return region, at


def load(m: Machine, pointer: Value, offset: int, size: int) -> Value:
    """The value of a load: a whole stored pointer stays one."""
    region, at = locate(m, pointer, offset, size)
    if isinstance(region, arena.ArenaRegion):
        return arena.load(region, at, size)
    if isinstance(region, context.ContextRegion):
        return context.load(m, region, at, size)
    if isinstance(region, SocketRegion):
        region.check(at, size)
    elif region.special:
        region.check_special(at, size)
    elif not region.readable:
        m.trap(rules.WRITE_ONLY, f"{size} bytes read at {region.name}{at:+d}")
    if size == 8 and at in region.pointers:
        return region.pointers[at]
    if (region.pointers or region.remains) and region.shows_address(at, size):
        m.environment.used = True
    if not region.defined(at, size):
        return _undefined(m, region, at, size)
    return int.from_bytes(region.data[at : at + size], "little")


def _undefined(m: Machine, region: Region, at: int, size: int) -> int:
    if not m.privileged and region.bounds is rules.STACK_BOUNDS:
        m.trap(rules.UNINITIALISED_STACK, f"{size} bytes at {region.name}{at - len(region.data):+d}")
    written = region.written or b""
    for byte in range(at, at + size):
        if not written[byte]:
            region.store(byte, bytes([m.environment.bits(8)]))
    return int.from_bytes(region.data[at : at + size], "little")


def store(m: Machine, pointer: Value, offset: int, size: int, value: Value) -> None:
    """Store the low ``size`` bytes of ``value``."""
    region, at = locate(m, pointer, offset, size)
    if isinstance(region, arena.ArenaRegion):
        m.number(value)
        arena.store(region, at, size)
        return
    if isinstance(region, context.ContextRegion):
        context.check_store(region, at, size)
    if not region.writable:
        m.trap(rules.READ_ONLY, f"{size} bytes written at {region.name}{at:+d}")
    if region.special:
        region.check_special(at, size)
    if region is m.packet and m.program.type not in PACKET_WRITERS:
        m.trap(
            rules.READ_ONLY, f"{size} bytes written to the packet of a {m.program.type.name.lower()} program"
        )
    if size == 8 and isinstance(value, Pointer):
        if region.written is None:
            # Not a stack: the address outlives the run, or the rest of the world sees it.
            m.environment.used = True
        region.store_pointer(at, value)
    else:
        region.store(at, (m.number(value) & ((1 << 8 * size) - 1)).to_bytes(size, "little"))


def _load(size: int) -> Handler:
    def handle(m: Machine, insn: Insn, pc: int) -> int:
        m.write(insn.dst, load(m, m.read(insn.src), insn.off, size))
        return pc + 1

    return handle


def _load_signed(size: int) -> Handler:
    def handle(m: Machine, insn: Insn, pc: int) -> int:
        m.write(insn.dst, signed(m.number(load(m, m.read(insn.src), insn.off, size)), 8 * size) & U64)
        return pc + 1

    return handle


def _store_constant(size: int) -> Handler:
    def handle(m: Machine, insn: Insn, pc: int) -> int:
        store(m, m.read(insn.dst), insn.off, size, insn.imm & U64)
        return pc + 1

    return handle


def _store_register(size: int) -> Handler:
    def handle(m: Machine, insn: Insn, pc: int) -> int:
        store(m, m.read(insn.dst), insn.off, size, m.read(insn.src))
        return pc + 1

    return handle


def _immediate64(m: Machine, insn: Insn, pc: int) -> int:
    following = m.code[pc + 1] if pc + 1 < len(m.code) else None
    if following is None or (following.opcode, following.dst, following.src, following.off) != (0, 0, 0, 0):
        m.trap(
            rules.RESERVED_FIELD,
            "the second slot of a 64-bit immediate is missing, or holds more than its upper half",
        )
    m.write(insn.dst, _constant(m, insn, following.imm, pc))
    return pc + 2


def _constant(m: Machine, insn: Insn, high: int, pc: int) -> Value:
    if insn.src == 0:
        return (high & 0xFFFF_FFFF) << 32 | insn.imm & 0xFFFF_FFFF
    if insn.src == o.PSEUDO_FUNC:
        return Pointer(m.code_region, pc + 1 + insn.imm)
    if insn.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_VALUE) and 0 <= insn.imm < len(m.maps):
        chosen = m.maps[insn.imm]
        if insn.src == o.PSEUDO_MAP_FD:
            if high:
                m.trap(rules.RESERVED_FIELD, "the upper half of a map's descriptor")
            return Pointer(chosen.handle, 0)
        return m.direct_value(chosen, high)
    raise Abstain(f"64-bit immediate of kind {insn.src}")


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
        start = _packet_start(offset, m.context.link_header)
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
        yield o.LDX | o.MEM | code, _load(size)
        yield o.ST | o.MEM | code, _store_constant(size)
        yield o.STX | o.MEM | code, _store_register(size)
        if size < 8:
            yield o.LDX | o.MEMSX | code, _load_signed(size)
            yield o.LD | o.ABS | code, _packet(size, indirect=False)
            yield o.LD | o.IND | code, _packet(size, indirect=True)


HANDLERS: dict[int, Handler] = {**dict(_all()), o.LD_IMM64: _immediate64}
