"""Productions that load and store: input words, spills of every width, map values, and scalars used as
offsets into them."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R10,
    Register,
    add64,
    atomic,
    load,
    load_acquire,
    mov64,
    store,
    store_release,
)  # fmt: skip
from generators import conditions as needs
from generators.builder import Builder
from generators.carrying import carry
from generators.constants import immediate
from generators.dice import Dice
from generators.layout import INPUT_BASE, SPILL_SLOTS
from generators.productions.table import Production
from generators.state import KnownPointer, Number, PointerKind
from generators.steps import SIZES, bound

_ATOMIC = (o.ADD, o.OR, o.AND, o.XOR)


def _load_form(b: Builder, dice: Dice) -> tuple[int, int, bool]:
    """Size bits of an opcode, bytes, and whether the load extends the sign."""
    code, size = dice.of(SIZES)
    return code, size, size < 8 and b.profile.knows("6.6") and dice.pick(4) == 3


def _load_input(b: Builder, dice: Dice) -> bool:
    register = dice.of(b.state.free())
    code, size, signed = _load_form(b, dice)
    b.emit(load(code, register, R10, INPUT_BASE + size * dice.pick(64 // size), signed=signed))
    return True


def _spill(b: Builder, dice: Dice) -> bool:
    """Store a scalar, or a whole pointer, to a slot; a narrow store needs the rest of the slot to be there
    already."""
    numbers = b.state.numbers()
    slot = dice.of(SPILL_SLOTS)
    held = b.state.slots.get(slot)
    form = dice.pick(8)
    if form == 7 and (pointers := b.state.pointers(PointerKind.MAP_VALUE)) and not b.in_loop():
        b.emit(store(o.DW, R10, slot, dice.of(pointers)))
        return True
    if not numbers or (b.in_loop() and isinstance(held, KnownPointer)):
        return False
    register = dice.of(numbers)
    code, size = dice.of(SIZES) if isinstance(held, Number) else (o.DW, 8)
    at = slot + size * dice.pick(8 // size)
    b.emit(store(code, R10, at, immediate(dice) if form == 6 else register))
    return True


def _fill(b: Builder, dice: Dice) -> bool:
    slots = sorted(s for s in b.state.slots if s in SPILL_SLOTS)
    register, slot = dice.of(b.state.free()), dice.of(slots)
    if isinstance(b.state.slots[slot], KnownPointer):
        if b.in_loop():
            return False
        b.emit(load(o.DW, register, R10, slot))
        return True
    code, size, signed = _load_form(b, dice)
    b.emit(load(code, register, R10, slot + size * dice.pick(8 // size), signed=signed))
    return True


def _target(b: Builder, dice: Dice, size: int) -> tuple[Register, int] | None:
    """(register, offset) of a map value access of ``size`` bytes that is in bounds."""
    fitting = [r for r in b.state.pointers(PointerKind.MAP_VALUE) if b.state.pointer(r).size >= size]
    if not fitting:
        return None
    register = dice.of(fitting)
    return register, dice.pick(b.state.pointer(register).size - size + 1) // size * size


def _load_map(b: Builder, dice: Dice) -> bool:
    code, size, signed = _load_form(b, dice)
    free, target = b.state.free(), _target(b, dice, size)
    if target is None or not free:
        return False
    b.emit(load(code, dice.of(free), *target, signed=signed))
    return True


def _store_map(b: Builder, dice: Dice) -> bool:
    code, size = dice.of(SIZES)
    numbers, target = b.state.numbers(), _target(b, dice, size)
    if target is None or not numbers:
        return False
    b.emit(store(code, *target, immediate(dice) if dice.pick(4) == 3 else dice.of(numbers)))
    return True


def _atomic(b: Builder, dice: Dice) -> bool:
    """An atomic operation on a map value or an initialised slot."""
    code, size = dice.of(SIZES[:2])
    numbers = b.state.targets()
    target = _target(b, dice, size)
    slots = sorted(s for s in b.state.slots if s in SPILL_SLOTS and isinstance(b.state.slots[s], Number))
    if slots and (target is None or dice.pick(2)):
        target = R10, dice.of(slots) + (4 * dice.pick(2) if size == 4 else 0)
    if target is None or not numbers:
        return False
    register, op = dice.of(numbers), dice.of(_ATOMIC)
    modern = b.profile.knows("5.12")
    form = dice.pick((6 if b.profile.knows("6.15") else 4) if modern else 1)
    if form > 3:
        code, _ = dice.of(SIZES[SIZES.index((code, size)) :])
        base, offset = target
        if form == 4:
            b.emit(load_acquire(code, register, base, offset))
        else:
            b.emit(store_release(code, base, offset, register))
        return True
    if form == 3 and R0 in numbers:
        op = o.CMPXCHG
    elif form in (0, 3):
        op = op if form == 0 and modern else o.ADD
    else:
        op = o.XCHG if form == 2 else op | o.FETCH
    b.emit(atomic(op, code, *target, register))
    return True


def _use_as_offset(b: Builder, dice: Dice) -> bool:
    """A scalar becomes an offset into a map value or the input on the stack: a wrong claim becomes a wrong
    access."""
    code, size = dice.of(SIZES)
    numbers = b.state.targets()
    values = b.state.pointers(PointerKind.MAP_VALUE)
    bases = [(r, room) for r in values if (room := b.state.pointer(r).size) >= size]
    # A variable offset into the stack is refused to the unprivileged, and a load through one to all before
    # 5.12.
    if INPUT_BASE in b.state.slots and b.privileged and b.profile.knows("5.12") and size == 1:
        bases.append((R10, 64))
    if not numbers or not bases:
        return False
    offset, (base, room) = dice.of(numbers), dice.of(bases)
    spare = [r for r in b.state.free() if r != offset]
    if not spare:
        return False
    address = dice.of(spare)
    bound(b, dice, offset, room - size)
    carry(b, dice, offset, kept=(address, base))
    b.emit(mov64(address, base))
    if base == R10:
        b.emit(add64(address, INPUT_BASE))
    b.emit(add64(address, offset))
    if dice.pick(3) == 2 and base != R10:
        b.emit(store(code, address, 0, offset))
        b.drop(address)
        b.emit(mov64(address, 0))
    else:
        b.emit(load(code, address, address, 0))
    return True


PRODUCTIONS = (
    Production("load-input", 10, _load_input, (needs.FREE, needs.INPUT)),
    Production("spill", 5, _spill),
    Production("fill", 5, _fill, (needs.FREE, needs.SPILLED)),
    Production("load-map", 4, _load_map),
    Production("store-map", 3, _store_map),
    Production("use-as-offset", 6, _use_as_offset),
    Production("atomic", 3, _atomic),
)
