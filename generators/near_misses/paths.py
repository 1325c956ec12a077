"""Near misses in which only one of two paths breaks the rule: what state pruning and precision tracking must
not overlook.

The harmless path comes first, as the verifier walks it first; then the other one reaches the same
instructions with a state that differs only in what makes the access illegal.
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    Register,
    add64,
    goto,
    jump,
    leave,
    load,
    load_map_value,
    mov64,
    store,
)  # fmt: skip
from ebpf.isa.insn import Insn
from generators.builder import Builder
from generators.carrying import carry
from generators.dice import Dice
from generators.layout import SPILL_SLOTS
from generators.near_misses.table import unknown_input
from generators.scopes import StaticFunction
from generators.settings import SETTINGS, PacketEntry
from generators.state import CONTEXT, PointerKind
from generators.steps import SIZES
from generators.transfer.memory import packet_fields

VALUE, INDEX, LIMIT, INPUT = R7, R8, R9, R1
"""Registers these near misses use: they are at top level, where nothing else is needed any more but the
context in R6."""


def fits(b: Builder) -> bool:
    return not b.open and b.privileged and all(map(b.state.may_lose, (VALUE, INDEX, LIMIT)))


def value_pointer(b: Builder) -> int | None:
    """R7 = a map's value, all ``size`` bytes of it; None where direct values are not known."""
    if not b.profile.knows("5.2"):
        return None
    # A map of its own: direct values need a map with a single element (kernel/bpf/arraymap.c).
    index = next((n for n, spec in enumerate(b.maps) if spec.max_entries == 1), None)
    if index is None:
        return None
    b.emit_wide(load_map_value(VALUE, index))
    return b.maps[index].value_size


def _input_byte(b: Builder, dice: Dice, register: Register) -> bool:
    """An input byte nobody knows."""
    slots = unknown_input(b)
    if slots:
        place = dice.pick(8 * len(slots))
        b.emit(load(o.B, register, R10, slots[place // 8] + place % 8))
        return True
    packets = b.state.pointers(PointerKind.PACKET)
    if packets:
        b.emit(load(o.B, register, packets[0], dice.pick(64)))
        return True
    return False


def _finish(b: Builder, at: int) -> int:
    """Leave numbers in the registers that were used."""
    b.drop(R0, R1, R2, R3, R4, R5, VALUE, INDEX, LIMIT)
    for register in (R0, INDEX):
        b.emit(mov64(register, 0))
    return at


def access(b: Builder, code: int) -> int:
    """Read where the offset leads."""
    b.emit(add64(VALUE, INDEX))
    return _finish(b, b.emit_breaking(load(code, R0, VALUE, 0)))


def offset_by_path(b: Builder, dice: Dice) -> int | None:
    """An offset that is in bounds on the path walked first, and not on the other."""
    if not fits(b):
        return None
    size = value_pointer(b)
    if size is None or not _input_byte(b, dice, INPUT):
        return None
    small, large = dice.pick(8), size + dice.of((0, 1, 8, 191))
    form = dice.pick(5)
    if form == 4:
        return _linked(b, dice, size)
    target = LIMIT if form == 3 else INDEX
    # A limit that the offset must stay below (JGE) is one larger than one that it may reach.
    large += form == 3
    # The verifier goes on with the fall-through first: there the offset, or what limits it, is small.
    b.emit(mov64(target, large))
    op = dice.of((o.JGT, o.JSGT, o.JGE))
    over = b.branch(jump(op, INPUT, 64 + dice.pick(128)))
    b.emit(mov64(target, small))
    b.land(over)
    _noise(b, dice)
    if form == 3:
        if not _input_byte(b, dice, INDEX):
            return None
        b.leave_to_exit(jump(dice.of((o.JGT, o.JGE)), INDEX, LIMIT))
    else:
        _flow(b, dice, form)
    return access(b, o.B)


def _noise(b: Builder, dice: Dice) -> None:
    """A join and some jumps, where the verifier looks whether it has been here before."""
    for _ in range(dice.pick(3)):
        b.emit(mov64(R0, dice.pick(4)))
        b.land(b.skip(goto()))


def _flow(b: Builder, dice: Dice, form: int) -> None:
    """The offset takes a way: through a copy, the stack, or a function."""
    if form == 1:
        slot = dice.of(SPILL_SLOTS)
        b.emit(store(o.DW, R10, slot, INDEX))
        b.emit(mov64(INDEX, 0))
        b.emit(load(o.DW, INDEX, R10, slot))
        b.widen_slot(slot)
    elif form == 2:
        body: tuple[Insn, ...] = (mov64(R0, R1), leave())
        if dice.pick(2):
            # The result depends on the argument by a branch and not by data.
            body = (mov64(R0, 200), jump(o.JGT, R1, 7, 1), mov64(R0, 0), leave())
        b.emit(mov64(R1, INDEX))
        b.call_static(StaticFunction(body))
        b.emit(mov64(INDEX, R0))
    else:
        carry(b, dice, INDEX, kept=(VALUE,))


def _linked(b: Builder, dice: Dice, size: int) -> int | None:
    """Two copies of one number on one path, two numbers on the other; a comparison of one stands for both."""
    if not _input_byte(b, dice, INDEX) or not _input_byte(b, dice, LIMIT):
        return None
    over = b.branch(jump(o.JGT, INPUT, 64 + dice.pick(128)))
    b.emit(mov64(LIMIT, INDEX))
    b.land(over)
    _noise(b, dice)
    b.leave_to_exit(jump(o.JGT, LIMIT, min(size, 64) - 1))
    return access(b, o.B)


def offset_too_large(b: Builder, dice: Dice) -> int | None:
    """A scalar offset bounded a little too generously."""
    if not fits(b):
        return None
    size = value_pointer(b)
    if size is None or not _input_byte(b, dice, INDEX):
        return None
    code, width = dice.of(SIZES)
    b.leave_to_exit(jump(o.JGT, INDEX, size - width + 1 + dice.pick(width)))
    return access(b, code)


_DIRECT = frozenset(setting.type for setting in SETTINGS if PacketEntry.DIRECT in setting.entries)
"""Types whose context holds packet pointers in 32 bits."""


def packet_range_by_path(b: Builder, dice: Dice) -> int | None:
    """More packet bytes are proven on the path walked first than on the other.

    The packets of generated inputs are mostly 80 bytes long: enough for the smaller range, not for the
    access.
    """
    used = {R1, R2, R3, R4}
    fields = {kind: offset for offset, kind in packet_fields(b.type).items()}
    if b.type not in _DIRECT or not b.privileged or b.state.registers.get(R6) != CONTEXT:
        return None
    if b.open or used & b.state.pinned:
        return None
    less, proven = 73 + dice.pick(8), 81 + dice.pick(16)
    # What is proven here is for this access only.
    known = {register: b.state.pointer(register).size for register in b.state.pointers(PointerKind.PACKET)}
    b.emit(load(o.W, R2, R6, fields[PointerKind.PACKET]))
    b.emit(load(o.W, R3, R6, fields[PointerKind.PACKET_END]))
    _prove(b, less)
    b.emit(load(o.B, INPUT, R2, dice.pick(64)))
    over = b.branch(jump(o.JGT, INPUT, 64 + dice.pick(128)))
    _prove(b, proven)
    b.land(over)
    at = b.emit_breaking(load(o.B, R0, R2, proven - 1))
    for register in (R0, R1, R2, R3, R4):
        b.emit(mov64(register, 0))
    for register in known.keys() - used:
        b.shrink(register, known[register])
    return at


def _prove(b: Builder, amount: int) -> None:
    """``amount`` bytes from R2 on are in the packet that ends at R3, or the program exits."""
    b.emit(mov64(R4, R2))
    b.emit(add64(R4, amount))
    b.leave_to_exit(jump(o.JGT, R4, R3))
