"""Handlers of loads and stores; every access is checked against its own region."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf import rules
from ebpf.btf.functions import may_be_untrusted
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program_rules import PACKET_WRITERS
from ebpf.wording import in_bytes
from oracles.interpreter import arena, context, fields, kernel_pointers
from oracles.interpreter.arithmetic import U64, signed
from oracles.interpreter.machine import Handler, Machine
from oracles.interpreter.maps import MapHandle
from oracles.interpreter.memory import Pointer, Region, Value
from oracles.interpreter.objects import KernelRegion, SocketRegion
from oracles.interpreter.signals import Abstain, Trap


def locate(m: Machine, pointer: Value, offset: int, size: int) -> tuple[Region, int]:
    """The region and offset of an access of ``size`` bytes at ``pointer + offset``; traps when it is not
    allowed."""
    if not isinstance(pointer, Pointer):
        number = m.number(pointer)
        rule = rules.NULL_DEREFERENCE if number == 0 else rules.SCALAR_DEREFERENCE
        m.trap(rule, f"{in_bytes(size)} at 0x{number:x}{offset:+d}")
    region, at = pointer.region, pointer.offset + offset
    if isinstance(region, arena.ArenaRegion):
        return region, at
    if isinstance(region, MapHandle) and at >= 0 and m.privileged:
        raise Abstain("the fields of struct bpf_map")
    if region.gone is not None:
        m.trap(region.gone, f"{in_bytes(size)} at {region.name}{at:+d}, which is no longer the program's")
    if isinstance(region, context.ContextRegion | SocketRegion):
        return region, at
    if isinstance(region, KernelRegion):
        region.check()
    if region is m.packet:
        m.check_packet()
    if not region.holds(at, size):
        m.trap(region.bounds, _outside(region, at, size))
    return region, at


def _outside(region: Region, at: int, size: int) -> str:
    """Where an access goes that its region does not hold; a place on the stack is named by R10."""
    length = len(region.data)
    if region.bounds is not rules.STACK_BOUNDS:
        return f"{in_bytes(size)} at {region.name}{at:+d}, which has {in_bytes(length)}"
    where = (
        f"below the {in_bytes(length)} of stack"
        if at < 0
        else f"{in_bytes(size)}, beyond the end of the stack"
    )
    return f"{region.name}{at - length:+d}: {where}"


def load(m: Machine, pointer: Value, offset: int, size: int) -> Value:
    """The value of a load: a whole stored pointer stays one."""
    try:
        region, at = locate(m, pointer, offset, size)
    except Trap:
        if len(m.frames) > 1 and may_be_untrusted(m.program):
            raise Abstain("a read through an argument that may be untrusted") from None
        raise
    if isinstance(region, arena.ArenaRegion):
        return arena.load(region, at, size)
    if isinstance(region, context.ContextRegion):
        return fields.load(m, region, at, size)
    if isinstance(region, SocketRegion):
        region.check(at, size)
    elif region.special:
        field = kernel_pointers.field_at(m, region, at, size)
        if field is not None:
            return kernel_pointers.load(m, region, field)
        region.check_special(at, size)
    elif not region.readable:
        m.trap(rules.WRITE_ONLY, f"{in_bytes(size)} read at {region.name}{at:+d}")
    if region.objects:
        region.check_objects(at, size)
    if size == 8 and at in region.pointers:
        return region.pointers[at]
    if (region.pointers or region.remains) and region.shows_address(at, size):
        m.environment.used = True
    if not region.defined(at, size):
        return _undefined(m, region, at, size)
    return int.from_bytes(region.data[at : at + size], m.word)


def _undefined(m: Machine, region: Region, at: int, size: int) -> int:
    if not m.privileged and region.bounds is rules.STACK_BOUNDS:
        m.trap(rules.UNINITIALISED_STACK, f"{in_bytes(size)} at {region.name}{at - len(region.data):+d}")
    written = region.written or b""
    for byte in range(at, at + size):
        if not written[byte]:
            region.store(byte, bytes([m.environment.bits(8)]))
    return int.from_bytes(region.data[at : at + size], m.word)


def store(m: Machine, pointer: Value, offset: int, size: int, value: Value) -> None:
    """Store the low ``size`` bytes of ``value``."""
    if isinstance(pointer, Pointer) and isinstance(pointer.region, MapHandle):
        m.trap(rules.READ_ONLY, f"{in_bytes(size)} written to struct bpf_map")
    region, at = locate(m, pointer, offset, size)
    if isinstance(region, arena.ArenaRegion):
        m.number(value)
        arena.store(region, at, size)
        return
    if isinstance(region, context.ContextRegion):
        context.check_store(region, at, size)
    if not region.writable:
        m.trap(rules.READ_ONLY, f"{in_bytes(size)} written at {region.name}{at:+d}")
    if region.special:
        field = kernel_pointers.field_at(m, region, at, size)
        if field is not None:
            raise Abstain(f"a store to a {field.kind.value} of {region.name}")
        region.check_special(at, size)
    if region is m.packet and m.program.type not in PACKET_WRITERS:
        m.trap(
            rules.READ_ONLY,
            f"{in_bytes(size)} written to the packet of a {m.program.type.name.lower()} program",
        )
    if size == 8 and isinstance(value, Pointer):
        if region.written is None:
            # Not a stack: the address outlives the run, or the rest of the world sees it.
            m.environment.used = True
        region.store_pointer(at, value, m.word)
    else:
        region.store(at, (m.number(value) & ((1 << 8 * size) - 1)).to_bytes(size, m.word))


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


def _all() -> Iterator[tuple[int, Handler]]:
    for code, size in o.SIZE_BYTES.items():
        yield o.LDX | o.MEM | code, _load(size)
        yield o.ST | o.MEM | code, _store_constant(size)
        yield o.STX | o.MEM | code, _store_register(size)
        if size < 8:
            yield o.LDX | o.MEMSX | code, _load_signed(size)


HANDLERS: dict[int, Handler] = dict(_all())
