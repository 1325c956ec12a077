"""Productions that read the packet: directly where the type allows it, by legacy loads elsewhere; and fields
of the context."""

from __future__ import annotations

from functools import cache

from ebpf.contexts import CONTEXTS, HALF_WORDS, AccessRefusal, ContextFieldKind, ctx_access
from ebpf.isa import opcodes as o
from ebpf.program_rules import LEGACY_LOADS, PACKET_WRITERS
from ebpf.program_types import AttachType, ProgramType
from generators.builder import Builder
from generators.dice import Dice
from generators.productions.memory import SIZES, bound, loaded
from generators.productions.table import Production
from generators.state import KnownPointer, PointerKind


def _direct(b: Builder, dice: Dice) -> bool:
    sources = list(b.state.pointers(PointerKind.PACKET))
    free = b.free()
    if not sources or not free:
        return False
    source, register = dice.of(sources), dice.of(free)
    content = b.state.registers[source]
    assert isinstance(content, KnownPointer)
    code, size = dice.of([(c, s) for c, s in SIZES if s <= content.size] or [(o.B, 1)])
    if content.size < size:
        return False
    b.emit(o.LDX | o.MEM | code, register, source, dice.pick(content.size - size + 1))
    b.state.registers[register] = loaded(size)
    return True


def _variable(b: Builder, dice: Dice) -> bool:
    """data + scalar, compared with data_end, then read: the packet range of a pointer with a variable
    offset."""
    sources = b.state.pointers(PointerKind.PACKET)
    ends = b.state.pointers(PointerKind.PACKET_END)
    numbers = [r for r in b.state.numbers() if r not in b.state.pinned]
    if not sources or not ends or not numbers:
        return False
    source, offset = dice.of(sources), dice.of(numbers)
    spare = [r for r in b.free() if r != offset]
    if len(spare) < 2:
        return False
    address = dice.of(spare)
    probe = dice.of([r for r in spare if r != address])
    code, size = dice.of(SIZES)
    bound(b, dice, offset, 63)
    b.emit(o.MOV | o.X | o.ALU64, address, source)
    b.emit(o.ADD | o.X | o.ALU64, address, offset)
    b.emit(o.MOV | o.X | o.ALU64, probe, address)
    b.emit(o.ADD | o.K | o.ALU64, probe, imm=size)
    b.state.registers.pop(probe, None)
    b.state.registers.pop(address, None)
    b.leave_to_exit(o.JGT | o.X | o.JMP, probe, ends[0])
    b.emit(o.LDX | o.MEM | code, address, address)
    b.emit(o.MOV | o.K | o.ALU64, probe)
    b.state.registers[address] = loaded(size)
    b.set_number(probe, 0, 0)
    return True


def _legacy(b: Builder, dice: Dice) -> bool:
    if b.type not in LEGACY_LOADS or b.state.registers.get(6) != KnownPointer(PointerKind.CONTEXT) or b.open:
        return False
    code, size = dice.of(SIZES[1:])
    saved = {r: c for r, c in b.state.registers.items() if r in b.state.pinned and r < 6}
    if saved:
        return False
    numbers = b.state.numbers()
    if dice.pick(3) == 2 and numbers:
        b.emit(o.LD | o.IND | code, 0, dice.of(numbers), 0, dice.pick(16))
    else:
        b.emit(o.LD | o.ABS | code, 0, 0, 0, dice.pick(48))
    b.state.call()
    b.state.registers[0] = loaded(size)
    return True


def _store(b: Builder, dice: Dice) -> bool:
    sources, numbers = b.state.pointers(PointerKind.PACKET), b.state.numbers()
    if b.type not in PACKET_WRITERS or not sources or not numbers:
        return False
    source = dice.of(sources)
    content = b.state.registers[source]
    assert isinstance(content, KnownPointer)
    code, size = dice.of(SIZES)
    if content.size < size:
        return False
    b.emit(o.STX | o.MEM | code, source, dice.of(numbers), dice.pick(content.size - size + 1))
    return True


REACH = 128
"""Bytes of a context that productions look at: a run gives no more."""


@cache
def places(
    kind: ProgramType, attach: AttachType | None, release: str, write: bool
) -> tuple[tuple[int, int], ...]:
    """(opcode's size bits, offset) of the accesses to numbers in the context that any program may make."""
    found = []
    for code, size in SIZES:
        for offset in range(0, min(CONTEXTS[kind].size, REACH) - size + 1, size):
            field = ctx_access(kind, attach, offset, size, write, False, release)
            if isinstance(field, AccessRefusal) or field.kind is not ContextFieldKind.NUMBER:
                continue
            if not (write and field.name in HALF_WORDS):
                found.append((code, offset))
    return tuple(found)


def _context(b: Builder, dice: Dice) -> bool:
    """Half of the loads are of what a run can be given."""
    sources, free = b.state.pointers(PointerKind.CONTEXT), b.free()
    given = [
        f
        for f in CONTEXTS[b.type].fields
        if f.kind is ContextFieldKind.NUMBER and (f.given or f.name == "len") and f.size == 4
    ]
    anywhere = places(b.type, b.attach_type, b.profile.release, False)
    if not sources or not free or not (given or anywhere):
        return False
    source, register = dice.of(sources), dice.of(free)
    if given and (dice.pick(2) == 0 or not anywhere):
        code, offset = o.W, dice.of(given).offset
    else:
        code, offset = dice.of(anywhere)
    b.emit(o.LDX | o.MEM | code, register, source, offset)
    b.state.registers[register] = loaded(dict(SIZES)[code])
    return True


def _context_store(b: Builder, dice: Dice) -> bool:
    sources, numbers = b.state.pointers(PointerKind.CONTEXT), b.state.numbers()
    writable = places(b.type, b.attach_type, b.profile.release, True)
    if not sources or not numbers or not writable:
        return False
    code, offset = dice.of(writable)
    b.emit(o.STX | o.MEM | code, dice.of(sources), dice.of(numbers), offset)
    return True


PRODUCTIONS = (
    Production("packet-direct", 5, _direct),
    Production("packet-variable", 4, _variable),
    Production("packet-legacy", 1, _legacy),
    Production("packet-store", 2, _store),
    Production("context-field", 2, _context),
    Production("context-store", 1, _context_store),
)
