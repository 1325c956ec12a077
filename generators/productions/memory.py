"""Productions that load and store: input words, spills of every width, map values, and scalars used as
offsets into them."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from generators.builder import INPUT_BASE, SPILL_SLOTS, Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.productions.table import Production
from generators.state import ANY, KnownPointer, Number, PointerKind

SIZES = ((o.DW, 8), (o.W, 4), (o.H, 2), (o.B, 1))
"""(size bits of an opcode, bytes), widest first."""
_ATOMIC = (o.ADD, o.OR, o.AND, o.XOR)


def loaded(size: int, signed: bool = False) -> Number:
    """The range of a load of ``size`` bytes."""
    return ANY if signed or size == 8 else Number(0, (1 << 8 * size) - 1)


def _load_opcode(b: Builder, dice: Dice) -> tuple[int, int, bool]:
    code, size = dice.of(SIZES)
    signed = size < 8 and b.profile.knows("6.6") and dice.pick(4) == 3
    return o.LDX | (o.MEMSX if signed else o.MEM) | code, size, signed


def _load_input(b: Builder, dice: Dice) -> bool:
    free = b.free()
    if not free or INPUT_BASE not in b.state.slots:
        return False
    register = dice.of(free)
    opcode, size, signed = _load_opcode(b, dice)
    b.emit(opcode, register, 10, INPUT_BASE + size * dice.pick(64 // size))
    b.state.registers[register] = loaded(size, signed)
    return True


def _spill(b: Builder, dice: Dice) -> bool:
    """Store a scalar, or a whole pointer, to a slot; a narrow store needs the rest of the slot to be there
    already."""
    numbers = b.state.numbers()
    slot = dice.of(SPILL_SLOTS)
    held = b.state.slots.get(slot)
    form = dice.pick(8)
    if form == 7 and (pointers := b.state.pointers(PointerKind.MAP_VALUE)) and not b.in_loop():
        register = dice.of(pointers)
        b.emit(o.STX | o.MEM | o.DW, 10, register, slot)
        b.state.slots[slot] = b.state.registers[register]
        return True
    if not numbers or (b.in_loop() and isinstance(held, KnownPointer)):
        return False
    register = dice.of(numbers)
    code, size = dice.of(SIZES) if isinstance(held, Number) else (o.DW, 8)
    at = slot + size * dice.pick(8 // size)
    if form == 6:
        b.emit(o.ST | o.MEM | code, 10, 0, at, immediate(dice))
        b.state.slots[slot] = ANY
    else:
        b.emit(o.STX | o.MEM | code, 10, register, at)
        content = b.state.registers[register]
        assert isinstance(content, Number)
        b.state.slots[slot] = content if size == 8 else ANY
    return True


def _fill(b: Builder, dice: Dice) -> bool:
    free = b.free()
    if not free or not (slots := sorted(s for s in b.state.slots if s in SPILL_SLOTS)):
        return False
    register, slot = dice.of(free), dice.of(slots)
    held = b.state.slots[slot]
    if isinstance(held, KnownPointer):
        if b.in_loop():
            return False
        b.emit(o.LDX | o.MEM | o.DW, register, 10, slot)
        b.state.registers[register] = held
        return True
    opcode, size, signed = _load_opcode(b, dice)
    b.emit(opcode, register, 10, slot + size * dice.pick(8 // size))
    b.state.registers[register] = held if size == 8 else loaded(size, signed)
    return True


def _target(b: Builder, dice: Dice, size: int) -> tuple[int, int] | None:
    """(register, offset) of a map value access of ``size`` bytes that is in bounds."""
    fitting = [r for r in b.state.pointers(PointerKind.MAP_VALUE) if _size(b, r) >= size]
    if not fitting:
        return None
    register = dice.of(fitting)
    return register, dice.pick(_size(b, register) - size + 1) // size * size


def _size(b: Builder, register: int) -> int:
    content = b.state.registers[register]
    return content.size if isinstance(content, KnownPointer) else 0


def _load_map(b: Builder, dice: Dice) -> bool:
    opcode, size, signed = _load_opcode(b, dice)
    free, target = b.free(), _target(b, dice, size)
    if target is None or not free:
        return False
    register = dice.of(free)
    b.emit(opcode, register, target[0], target[1])
    b.state.registers[register] = loaded(size, signed)
    return True


def _store_map(b: Builder, dice: Dice) -> bool:
    code, size = dice.of(SIZES)
    numbers, target = b.state.numbers(), _target(b, dice, size)
    if target is None or not numbers:
        return False
    if dice.pick(4) == 3:
        b.emit(o.ST | o.MEM | code, target[0], 0, target[1], immediate(dice))
    else:
        b.emit(o.STX | o.MEM | code, target[0], dice.of(numbers), target[1])
    return True


def _atomic(b: Builder, dice: Dice) -> bool:
    """An atomic operation on a map value or an initialised slot."""
    code, size = dice.of(SIZES[:2])
    numbers = [r for r in b.state.numbers() if r not in b.state.pinned]
    target = _target(b, dice, size)
    slots = sorted(s for s in b.state.slots if s in SPILL_SLOTS and isinstance(b.state.slots[s], Number))
    if slots and (target is None or dice.pick(2)):
        slot = dice.of(slots)
        target = 10, slot + (4 * dice.pick(2) if size == 4 else 0)
        b.state.slots[slot] = ANY
    if target is None or not numbers:
        return False
    register, op = dice.of(numbers), dice.of(_ATOMIC)
    form = dice.pick(4) if b.profile.knows("5.12") else 0
    # The result is what the memory held, which need not be what was last known of the register.
    after = loaded(size)
    if (
        form == 3
        and 0 in b.state.registers
        and isinstance(b.state.registers[0], Number)
        and 0 not in b.state.pinned
    ):
        b.emit(o.STX | o.ATOMIC | code, target[0], register, target[1], o.CMPXCHG)
        b.state.registers[0] = after
    elif form == 0 or form == 3:
        b.emit(
            o.STX | o.ATOMIC | code,
            target[0],
            register,
            target[1],
            op if form == 0 and b.profile.knows("5.12") else o.ADD,
        )
    else:
        b.emit(o.STX | o.ATOMIC | code, target[0], register, target[1], o.XCHG if form == 2 else op | o.FETCH)
        b.state.registers[register] = after
    return True


def bound(b: Builder, dice: Dice, register: int, limit: int) -> None:
    """Make the scalar in ``register`` at most ``limit``: it is already, by a mask, or by a branch to the
    exit.

    Without privilege always by a mask: the verifier then also walks branches that are only speculated
    (CVE-2019-7308), where no comparison holds.
    """
    content = b.state.registers[register]
    assert isinstance(content, Number)
    if content.high <= limit and b.privileged:
        return
    if not b.privileged or dice.pick(2) == 0:
        mask = (1 << (limit + 1).bit_length() - 1) - 1
        b.emit(o.AND | o.K | (o.ALU64 if dice.pick(2) == 0 else o.ALU), register, imm=mask)
        b.set_number(register, 0, mask)
    else:
        b.leave_to_exit(o.JGT | o.K | o.JMP, register, imm=limit)
        b.set_number(register, 0, limit)


def _use_as_offset(b: Builder, dice: Dice) -> bool:
    """A scalar becomes an offset into a map value or the input on the stack: a wrong claim becomes a wrong
    access."""
    code, size = dice.of(SIZES)
    numbers = [r for r in b.state.numbers() if r not in b.state.pinned]
    bases = [(r, _size(b, r)) for r in b.state.pointers(PointerKind.MAP_VALUE) if _size(b, r) >= size]
    # A variable offset into the stack is refused to the unprivileged, and a load through one to all before
    # 5.12.
    if INPUT_BASE in b.state.slots and b.privileged and b.profile.knows("5.12") and size == 1:
        bases.append((10, 64))
    if not numbers or not bases:
        return False
    offset, (base, room) = dice.of(numbers), dice.of(bases)
    spare = [r for r in b.free() if r != offset]
    if not spare:
        return False
    address = dice.of(spare)
    bound(b, dice, offset, room - size)
    b.emit(o.MOV | o.X | o.ALU64, address, base)
    if base == 10:
        b.emit(o.ADD | o.K | o.ALU64, address, imm=INPUT_BASE)
    b.emit(o.ADD | o.X | o.ALU64, address, offset)
    if dice.pick(3) == 2 and base != 10:
        b.emit(o.STX | o.MEM | code, address, offset)
        b.state.registers.pop(address, None)
        b.emit(o.MOV | o.K | o.ALU64, address)
        b.set_number(address, 0, 0)
    else:
        b.emit(o.LDX | o.MEM | code, address, address)
        b.state.registers[address] = loaded(size)
    return True


PRODUCTIONS = (
    Production("load-input", 10, _load_input),
    Production("spill", 5, _spill),
    Production("fill", 5, _fill),
    Production("load-map", 4, _load_map),
    Production("store-map", 3, _store_map),
    Production("use-as-offset", 6, _use_as_offset),
    Production("atomic", 3, _atomic),
)
