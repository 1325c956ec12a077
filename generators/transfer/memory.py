"""Loads, stores and atomic operations."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from ebpf.contexts import CONTEXTS, ContextFieldKind
from ebpf.contexts.kernel_arguments import MEMBERS, argument
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, REGISTERS
from ebpf.isa.insn import Insn
from ebpf.maps import MapType
from ebpf.program_types import ProgramType
from generators.state import ANY, Content, GenerationState, KnownPointer, Number, PointerKind
from generators.transfer.alu import content_of, put
from generators.transfer.calls import clobber, kernel_pointer_at
from generators.transfer.world import Handler, World

_PACKET_FIELDS = {
    ContextFieldKind.PACKET: PointerKind.PACKET,
    ContextFieldKind.PACKET_END: PointerKind.PACKET_END,
}
SOCKET_FIELDS = {
    ContextFieldKind.SOCKET: KnownPointer(PointerKind.SOCKET),
    ContextFieldKind.SOCKET_OR_NULL: KnownPointer(PointerKind.SOCKET, nullable=True),
    ContextFieldKind.SOCK_COMMON_OR_NULL: KnownPointer(PointerKind.SOCK_COMMON, nullable=True),
}
_BY_SIZE = {code: ANY if size == 8 else Number(0, (1 << 8 * size) - 1) for code, size in o.SIZE_BYTES.items()}


def loaded(code: int, signed: bool = False) -> Number:
    """The range of a load of the size that ``code`` says."""
    return ANY if signed else _BY_SIZE[code]


@cache
def packet_fields(program_type: ProgramType) -> dict[int, PointerKind]:
    """Fields of the context, by offset, that hold packet pointers."""
    fields = CONTEXTS[program_type].fields
    return {field.offset: _PACKET_FIELDS[field.kind] for field in fields if field.kind in _PACKET_FIELDS}


@cache
def _socket_fields(program_type: ProgramType) -> dict[int, KnownPointer]:
    """What fields of the context, by offset, hold pointers to sockets."""
    fields = CONTEXTS[program_type].fields
    return {field.offset: SOCKET_FIELDS[field.kind] for field in fields if field.kind in SOCKET_FIELDS}


def _stack_offset(state: GenerationState, register: int, off: int) -> int | None:
    """Where in the stack ``register + off`` lies, from R10; None where it does not."""
    if register != R10:
        pointer = state.registers.get(REGISTERS[register])
        if type(pointer) is not KnownPointer or pointer.kind is not PointerKind.STACK:
            return None
        off += pointer.offset
    return off if -o.STACK_SIZE <= off < 0 else None


def _load(state: GenerationState, insn: Insn, world: World) -> None:
    code, off = insn.opcode & o.SIZE_MASK, insn.off
    content: Content = loaded(code, insn.opcode & o.MODE_MASK == o.MEMSX)
    if insn.src == R10:
        if code == o.DW and off in state.slots:
            content = state.slots[off]
    else:
        source = state.registers.get(REGISTERS[insn.src])
        if type(source) is KnownPointer and source.kind is PointerKind.CONTEXT:
            kind = packet_fields(world.type).get(off)
            content = content if kind is None else KnownPointer(kind)
            struct = argument(world.type, world.attach_to, off) if code == o.DW else ""
            if struct:
                content = KnownPointer(PointerKind.STRUCTURE, struct=struct)
            socket = _socket_fields(world.type).get(off)
            if socket is not None:
                content = replace(socket, id=world.fresh() if socket.nullable else 0)
        elif type(source) is KnownPointer and source.kind is PointerKind.JUMP_TABLE:
            content = KnownPointer(PointerKind.INSTRUCTION)
        elif type(source) is KnownPointer and (source.struct, off) in MEMBERS:
            content = KnownPointer(PointerKind.STRUCTURE, struct=MEMBERS[source.struct, off])
        elif type(source) is KnownPointer and code == o.DW:
            field = kernel_pointer_at(source, off, world)
            if field is not None:
                content = KnownPointer(
                    PointerKind.STRUCTURE, nullable=True, id=world.fresh(), trusted=False, struct=field.to
                )
    state.registers[REGISTERS[insn.dst]] = content


def _written(state: GenerationState, at: int, code: int, content: Content | None) -> None:
    """Of a slot that is written in part nothing is known any more but that it can be read, if it could."""
    slot = at - at % 8
    if code == o.DW and slot == at:
        if content is None:
            state.slots.pop(at, None)
        else:
            state.slots[at] = content
        return
    for each in (slot, slot + 8) if at % 8 + o.SIZE_BYTES[code] > 8 else (slot,):
        if each in state.slots:
            state.slots[each] = ANY


def _store_constant(state: GenerationState, insn: Insn, world: World) -> None:
    at = _stack_offset(state, insn.dst, insn.off)
    if at is not None:
        # Kernels follow what a store of an immediate leaves since Linux 6.3 only (ecdf985d7615).
        _written(state, at, insn.opcode & o.SIZE_MASK, ANY)


def _store_register(state: GenerationState, insn: Insn, world: World) -> None:
    at = _stack_offset(state, insn.dst, insn.off)
    if at is not None:
        _written(state, at, insn.opcode & o.SIZE_MASK, content_of(state, insn.src))


def _atomic(state: GenerationState, insn: Insn, world: World) -> None:
    code = insn.opcode & o.SIZE_MASK
    if insn.imm == o.LOAD_ACQ:
        _load(state, insn, world)
        return
    at = _stack_offset(state, insn.dst, insn.off)
    if at is not None:
        _written(state, at, code, ANY)
    # The result is what the memory held, which need not be what was last known of the register.
    if insn.imm == o.CMPXCHG:
        put(state, R0, loaded(code))
    elif insn.imm & o.FETCH and insn.imm != o.STORE_REL:
        put(state, REGISTERS[insn.src], loaded(code))


def _load_packet(state: GenerationState, insn: Insn, world: World) -> None:
    """A legacy load scratches what a call does."""
    clobber(state)
    put(state, R0, loaded(insn.opcode & o.SIZE_MASK))


def step_wide(state: GenerationState, first: Insn, second: Insn, world: World) -> None:
    """Let ``state`` be what holds after the two slots of a 64-bit immediate."""
    if first.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_IDX):
        content: Content = KnownPointer(PointerKind.MAP, map=first.imm)
    elif first.src in (o.PSEUDO_MAP_VALUE, o.PSEUDO_MAP_IDX_VALUE):
        spec = world.maps[first.imm]
        table = spec.type is MapType.INSN_ARRAY
        kind = PointerKind.JUMP_TABLE if table else PointerKind.MAP_VALUE
        size = 8 * spec.max_entries if table else spec.value_size
        content = KnownPointer(kind, size - second.imm, map=first.imm)
    elif first.src == o.PSEUDO_FUNC:
        content = KnownPointer(PointerKind.FUNCTION)
    elif first.src == o.PSEUDO_BTF_ID:
        content = KnownPointer(PointerKind.STRUCTURE)
    else:
        number = (second.imm & 0xFFFF_FFFF) << 32 | first.imm & 0xFFFF_FFFF
        content = Number(number, number)
    put(state, REGISTERS[first.dst], content)


_SIZES = tuple(o.SIZE_BYTES)
HANDLERS: dict[int, Handler] = {
    **{o.LDX | mode | code: _load for mode in (o.MEM, o.MEMSX) for code in _SIZES},
    **{o.ST | o.MEM | code: _store_constant for code in _SIZES},
    **{o.STX | o.MEM | code: _store_register for code in _SIZES},
    **{o.STX | o.ATOMIC | code: _atomic for code in _SIZES},
    **{o.LD | mode | code: _load_packet for mode in (o.ABS, o.IND) for code in _SIZES if code != o.DW},
}
