"""Productions that read the packet: directly where the type allows it, by legacy loads elsewhere; and fields
of the context."""

from __future__ import annotations

from functools import cache

from ebpf.contexts import CONTEXTS, HALF_WORDS, AccessRefusal, ContextFieldKind, ctx_access
from ebpf.contexts.field import ContextField
from ebpf.isa import opcodes as o
from ebpf.isa.build import add64, load, load_packet, mov64, store
from ebpf.program_types import AttachType, ProgramType
from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.productions.table import Production
from generators.state import PointerKind
from generators.steps import SIZES, bound, within_packet


def _direct(b: Builder, dice: Dice) -> bool:
    source, register = dice.of(b.state.pointers(PointerKind.PACKET)), dice.of(b.state.free())
    room = b.state.pointer(source).size
    code, size = dice.of([(c, s) for c, s in SIZES if s <= room] or [(o.B, 1)])
    if room < size:
        return False
    b.emit(load(code, register, source, dice.pick(room - size + 1)))
    return True


def _variable(b: Builder, dice: Dice) -> bool:
    """data + scalar, compared with data_end, then read: the packet range of a pointer with a variable
    offset."""
    source, offset = dice.of(b.state.pointers(PointerKind.PACKET)), dice.of(b.state.targets())
    spare = [r for r in b.state.free() if r != offset]
    if len(spare) < 2:
        return False
    address = dice.of(spare)
    probe = dice.of([r for r in spare if r != address])
    code, size = dice.of(SIZES)
    bound(b, dice, offset, 63)
    b.emit(mov64(address, source))
    b.emit(add64(address, offset))
    b.emit(mov64(probe, address))
    b.emit(add64(probe, size))
    end = b.state.pointers(PointerKind.PACKET_END)[0]
    b.drop(probe, address)
    within_packet(b, dice, probe, end)
    b.emit(load(code, address, address, 0))
    b.emit(mov64(probe, 0))
    return True


def _legacy(b: Builder, dice: Dice) -> bool:
    code, _ = dice.of(SIZES[1:])
    numbers = b.state.numbers()
    if dice.pick(3) == 2 and numbers:
        index = dice.of(numbers)
        b.emit(load_packet(code, dice.pick(16), index))
    else:
        b.emit(load_packet(code, dice.pick(48)))
    return True


def _store(b: Builder, dice: Dice) -> bool:
    source = dice.of(b.state.pointers(PointerKind.PACKET))
    code, size = dice.of(SIZES)
    room = b.state.pointer(source).size
    if room < size:
        return False
    number = dice.of(b.state.numbers())
    b.emit(store(code, source, dice.pick(room - size + 1), number))
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


@cache
def _given(kind: ProgramType) -> tuple[ContextField, ...]:
    """Fields that an input decides."""
    return tuple(
        field
        for field in CONTEXTS[kind].fields
        if field.kind is ContextFieldKind.NUMBER and (field.given or field.name == "len") and field.size == 4
    )


def _context(b: Builder, dice: Dice) -> bool:
    """Half of the loads are of what a run can be given."""
    given, anywhere = _given(b.type), places(b.type, b.attach_type, b.profile.release, False)
    if not (given or anywhere):
        return False
    source, register = dice.of(b.state.pointers(PointerKind.CONTEXT)), dice.of(b.state.free())
    if given and (dice.pick(2) == 0 or not anywhere):
        code, offset = o.W, dice.of(given).offset
    else:
        code, offset = dice.of(anywhere)
    b.emit(load(code, register, source, offset))
    return True


def _context_store(b: Builder, dice: Dice) -> bool:
    writable = places(b.type, b.attach_type, b.profile.release, True)
    if not writable:
        return False
    code, offset = dice.of(writable)
    source = dice.of(b.state.pointers(PointerKind.CONTEXT))
    b.emit(store(code, source, offset, dice.of(b.state.numbers())))
    return True


PRODUCTIONS = (
    Production("packet-direct", 5, _direct, (needs.PACKET, needs.FREE)),
    Production("packet-variable", 4, _variable, (needs.PACKET, needs.PACKET_END, needs.TARGET)),
    Production(
        "packet-legacy",
        2,
        _legacy,
        (needs.HAS_LEGACY_LOADS, needs.CONTEXT_IN_R6, needs.TOP_LEVEL, needs.MAY_CALL, needs.NOTHING_HELD),
    ),
    Production("packet-store", 2, _store, (needs.WRITES_PACKET, needs.PACKET, needs.SCALAR)),
    Production("context-field", 2, _context, (needs.CONTEXT_HELD, needs.FREE)),
    Production("context-store", 1, _context_store, (needs.CONTEXT_HELD, needs.SCALAR)),
)
