"""Calls, by the callee's prototype, and exits."""

from __future__ import annotations

from dataclasses import replace

from ebpf.helpers.ownership import VIEWS, Found, found_by_lookup
from ebpf.helpers.prototype import Arg, ArgKind, ResultKind
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R4, REGISTERS
from ebpf.isa.insn import Insn
from ebpf.kfuncs import IteratorStep
from ebpf.maps import KERNEL_POINTERS, MapField, MapSpec
from generators.callees import STATIC, Callee, helper_callee, kernel_callee
from generators.resources import Resource, ResourceKind
from generators.state import ANY, Content, GenerationState, K, KnownPointer, Number, PointerKind
from generators.transfer.alu import put
from generators.transfer.objects import forget_borrowed, lend, object_given
from generators.transfer.world import Handler, World

_POINTERS = {
    ResultKind.SOCKET_OR_NULL: PointerKind.SOCKET,
    ResultKind.SOCK_COMMON_OR_NULL: PointerKind.SOCK_COMMON,
    ResultKind.TCP_SOCK_OR_NULL: PointerKind.TCP_SOCK,
    ResultKind.ALLOC_MEM_OR_NULL: PointerKind.MEMORY,
    ResultKind.DYNPTR_MEM_OR_NULL: PointerKind.MEMORY,
    ResultKind.MEM_OR_BTF_ID: PointerKind.STRUCTURE,
    ResultKind.MEM_OR_BTF_ID_OR_NULL: PointerKind.STRUCTURE,
    ResultKind.BTF_ID: PointerKind.STRUCTURE,
    ResultKind.BTF_ID_OR_NULL: PointerKind.STRUCTURE,
}
_FILLED = (ArgKind.MEM_UNINIT, ArgKind.FIXED_MEM_UNINIT, ArgKind.MAP_VALUE_UNINIT)
_ON_STACK = (ResourceKind.INTERRUPTS,)
_IN_PACKET = (PointerKind.PACKET, PointerKind.PACKET_END)


def clobber(state: GenerationState) -> None:
    """R0 to R5 are lost."""
    pop = state.registers.pop
    for register in REGISTERS[:6]:
        pop(register, None)


def _map_in_r1(state: GenerationState, world: World) -> MapSpec | None:
    holder = state.registers.get(R1)
    if type(holder) is not KnownPointer or holder.map == -1:
        return None
    return world.maps[holder.map] if holder.map >= 0 else world.maps[-2 - holder.map].inner


def _found(state: GenerationState, world: World) -> KnownPointer:
    """What a lookup in the map in R1 gives."""
    spec, holder = _map_in_r1(state, world), state.registers.get(R1)
    if spec is None or type(holder) is not KnownPointer:
        return KnownPointer(PointerKind.MAP_VALUE)
    found = found_by_lookup(spec.type)
    if found is Found.VALUE:
        return KnownPointer(PointerKind.MAP_VALUE, spec.value_size, map=max(holder.map, -1))
    if found is Found.MAP:
        return KnownPointer(PointerKind.MAP, map=-2 - holder.map)
    return KnownPointer(PointerKind.SOCKET if found is Found.SOCKET else PointerKind.XDP_SOCK)


def _result(state: GenerationState, callee: Callee, world: World) -> Content | None:
    kind = callee.result
    if callee.object is not None:
        return object_given(state, callee.object, world)
    if callee.step is IteratorStep.NEXT and not callee.struct:
        held = next(r for r in reversed(state.held) if r.kind is ResourceKind.ITERATOR)
        return KnownPointer(PointerKind.MEMORY, 4, nullable=True, id=world.fresh(), reference=held.id)
    if kind is ResultKind.VOID:
        return None
    if kind is ResultKind.INTEGER:
        return ANY
    if kind in (ResultKind.MAP_VALUE, ResultKind.MAP_VALUE_OR_NULL):
        pointer = _found(state, world)
    else:
        struct = _kept_in_value(state, world) if callee.name == "kptr_xchg" else callee.struct
        pointer = KnownPointer(_POINTERS[kind], _size(state, callee), struct=struct)
    acquired = acquires(callee, pointer) is not None
    number = world.fresh() if kind.nullable or acquired else 0
    reference = number if acquired else _viewed(state, callee)
    return replace(pointer, nullable=kind.nullable, id=number, reference=reference)


def acquires(callee: Callee, given: KnownPointer) -> ResourceKind | None:
    """What the result stands for: of lookups only a socket is held (is_acquire_function,
    kernel/bpf/verifier.c)."""
    found = callee.name == "map_lookup_elem" and given.kind is PointerKind.SOCKET
    return ResourceKind.SOCKET if found else callee.acquires


def _kept_in_value(state: GenerationState, world: World) -> str:
    """Which structure the map's value may hold a pointer to where R1 points."""
    place = state.registers.get(R1)
    field = kernel_pointer_at(place, 0, world) if type(place) is KnownPointer else None
    return field.to if field is not None else ""


def kernel_pointer_at(pointer: KnownPointer, off: int, world: World) -> MapField | None:
    """The kernel pointer that is at ``pointer + off`` of a map's value."""
    if pointer.kind is not PointerKind.MAP_VALUE or pointer.map < 0:
        return None
    spec = world.maps[pointer.map]
    place = spec.value_size - pointer.size + off
    return next((f for f in spec.fields if f.kind in KERNEL_POINTERS and f.offset == place), None)


def _viewed(state: GenerationState, callee: Callee) -> int:
    """The reference of the argument that the result is a view of."""
    given = state.registers.get(R1)
    return given.reference if callee.name in VIEWS and type(given) is KnownPointer else 0


def _size(state: GenerationState, callee: Callee) -> int:
    """Bytes behind the result: the constant in the last argument that says so."""
    for at, arg in enumerate(callee.args, 1):
        content = state.registers.get(REGISTERS[at])
        if arg.kind.name == "ALLOC_SIZE_OR_ZERO" and type(content) is Number and content.low == content.high:
            return content.low
    return 0


def release(state: GenerationState, reference: int) -> None:
    """Give a resource back: nothing that stands for it may be used any more."""
    state.held = tuple(resource for resource in state.held if resource.id != reference)
    _forget_reference(state.registers, reference)
    _forget_reference(state.slots, reference)


def _forget_reference(contents: dict[K, Content], reference: int) -> None:
    for key in [k for k, c in contents.items() if type(c) is KnownPointer and c.reference == reference]:
        del contents[key]


def _write_memory(state: GenerationState, callee: Callee, world: World) -> None:
    """What the callee fills on the stack may be read afterwards."""
    for at, arg in enumerate(callee.args, 1):
        if arg.kind not in _FILLED:
            continue
        pointer = state.registers.get(REGISTERS[at])
        if type(pointer) is KnownPointer and pointer.kind is PointerKind.STACK:
            end = min(0, pointer.offset + _room(state, arg, at, world))
            for slot in range(pointer.offset + -pointer.offset % 8, end - 7, 8):
                state.slots[slot] = ANY


def _fill(state: GenerationState, callee: Callee) -> None:
    """What lies on the stack where a kernel function may write is not known any more."""
    for at, room in callee.fills:
        pointer, size = state.registers.get(REGISTERS[at]), state.registers.get(REGISTERS[max(-room, 0)])
        if type(pointer) is KnownPointer and pointer.kind is PointerKind.STACK:
            length = room if room > 0 else size.high if type(size) is Number else -pointer.offset
            for slot in [s for s in state.slots if pointer.offset - 8 < s < pointer.offset + length]:
                state.slots[slot] = ANY


def _room(state: GenerationState, arg: Arg, at: int, world: World) -> int:
    """So many bytes the callee surely writes at its argument number ``at``."""
    if arg.kind is ArgKind.FIXED_MEM_UNINIT:
        return arg.size
    if arg.kind is ArgKind.MAP_VALUE_UNINIT:
        spec = _map_in_r1(state, world)
        return spec.value_size if spec is not None else 0
    size = state.registers.get(REGISTERS[at + 1])
    return size.low if type(size) is Number else 0


def apply_call(state: GenerationState, callee: Callee, world: World) -> None:
    """A call that returns."""
    result = _result(state, callee, world)
    _write_memory(state, callee, world)
    _fill(state, callee)
    if callee.object is not None:
        lend(state, callee.object)
    if callee.releases is not None:
        given = state.registers.get(REGISTERS[callee.releases])
        if type(given) is KnownPointer and given.reference:
            release(state, given.reference)
    if callee.locks:
        state.held += (Resource(ResourceKind.LOCK, world.fresh()),)
    elif callee.unlocks:
        state.held = tuple(resource for resource in state.held if resource.kind is not ResourceKind.LOCK)
        forget_borrowed(state, PointerKind.OBJECT)
    _sections(state, callee, world)
    _iterator(state, callee, world)
    _dynptr(state, callee, world)
    clobber(state)
    if callee.changes_packet:
        for register in [
            r for r, c in state.registers.items() if type(c) is KnownPointer and c.kind in _IN_PACKET
        ]:
            del state.registers[register]
    if type(result) is KnownPointer and (kind := acquires(callee, result)) is not None:
        state.held += (Resource(kind, result.reference),)
    put(state, R0, result)


def _iterator(state: GenerationState, callee: Callee, world: World) -> None:
    """One is made where R1 points, or destroyed, and what it gave with it."""
    if callee.step is IteratorStep.NEW:
        pointer = state.registers.get(R1)
        place = pointer.offset if type(pointer) is KnownPointer else None
        name = callee.name.removesuffix("_new")
        state.held += (Resource(ResourceKind.ITERATOR, world.fresh(), place, name),)
    elif callee.step is IteratorStep.DESTROY:
        held = [resource for resource in state.held if resource.kind is ResourceKind.ITERATOR]
        if held:
            release(state, held[-1].id)


def _dynptr(state: GenerationState, callee: Callee, world: World) -> None:
    """A record's is made where R4 points, and is held even where there was none; or given back."""
    if callee.name == "ringbuf_reserve_dynptr":
        pointer = state.registers.get(R4)
        place = pointer.offset if type(pointer) is KnownPointer else None
        state.held += (Resource(ResourceKind.DYNPTR, world.fresh(), place),)
    elif callee.name in ("ringbuf_submit_dynptr", "ringbuf_discard_dynptr"):
        held = [resource for resource in state.held if resource.kind is ResourceKind.DYNPTR]
        if held:
            release(state, held[-1].id)


def _sections(state: GenerationState, callee: Callee, world: World) -> None:
    if callee.begins is not None:
        pointer = state.registers.get(R1)
        place = pointer.offset if callee.begins in _ON_STACK and type(pointer) is KnownPointer else None
        state.held += (Resource(callee.begins, world.fresh(), place),)
    if callee.ends is ResourceKind.RCU:
        forget_borrowed(state, PointerKind.STRUCTURE)
    if callee.ends is not None:
        inside = [at for at, resource in enumerate(state.held) if resource.kind is callee.ends]
        if inside:
            state.held = state.held[: inside[-1]] + state.held[inside[-1] + 1 :]


def _callee(insn: Insn, world: World) -> Callee:
    if insn.src == o.CALL_KFUNC:
        return kernel_callee(world.kfuncs[insn.imm][1])
    return helper_callee(insn.imm, world.type) if insn.src == o.CALL_HELPER else STATIC


def _call(state: GenerationState, insn: Insn, world: World) -> None:
    callee = _callee(insn, world)
    apply_call(state, callee, world)
    if callee.throws:
        state.reachable = False


def _exit(state: GenerationState, insn: Insn, world: World) -> None:
    state.reachable = False


HANDLERS: dict[int, Handler] = {
    o.CALL | o.JMP: _call,
    o.EXIT | o.JMP: _exit,
    o.JA | o.JMP: _exit,
    o.JA | o.JMP32: _exit,
    o.JA | o.X | o.JMP: _exit,
}
