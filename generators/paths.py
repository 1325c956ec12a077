"""Near misses in which only one of two paths breaks the rule: what state pruning and precision tracking must
not overlook.

The harmless path comes first, as the verifier walks it first; then the other one reaches the same
instructions with a state that differs only in what makes the access illegal.
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program_types import ProgramType
from generators.builder import INPUT_BASE, SPILL_SLOTS, Builder
from generators.dice import Dice
from generators.state import ANY, Number, PointerKind

VALUE, INDEX, LIMIT, INPUT, COPY = 7, 8, 9, 1, 2
"""Registers these near misses use: they are at top level, where nothing else is needed any more but the
context in R6."""


def _value_pointer(b: Builder) -> int | None:
    """R7 = the first map's value, all ``size`` bytes of it; None where direct values are not known."""
    if not b.profile.knows("5.2"):
        return None
    # A map of its own: direct values need a map with a single element (kernel/bpf/arraymap.c).
    index = next((n for n, spec in enumerate(b.maps) if spec.max_entries == 1), None)
    if index is None:
        return None
    b.wide(VALUE, index, o.PSEUDO_MAP_VALUE)
    return b.maps[index].value_size


def _input_byte(b: Builder, dice: Dice, register: int) -> bool:
    """An input byte nobody knows."""
    if INPUT_BASE in b.state.slots:
        b.emit(o.LDX | o.MEM | o.B, register, 10, INPUT_BASE + dice.pick(64))
        return True
    packets = b.state.pointers(PointerKind.PACKET)
    if packets and VALUE not in packets:
        b.emit(o.LDX | o.MEM | o.B, register, packets[0], dice.pick(64))
        return True
    return False


def _forget(b: Builder) -> None:
    for register in (0, 1, 2, 3, 4, 5, VALUE, INDEX, LIMIT):
        b.state.registers.pop(register, None)


def _finish(b: Builder, at: int) -> int:
    """Leave numbers in the registers that were used."""
    _forget(b)
    for register in (0, INDEX):
        b.emit(o.MOV | o.K | o.ALU64, register)
        b.set_number(register, 0, 0)
    return at


def offset_by_path(b: Builder, dice: Dice) -> int | None:
    """An offset that is in bounds on the path walked first, and not on the other."""
    if (
        VALUE in b.state.pinned
        or INDEX in b.state.pinned
        or LIMIT in b.state.pinned
        or b.open
        or not b.privileged
    ):
        return None
    size = _value_pointer(b)
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
    b.emit(o.MOV | o.K | o.ALU64, target, imm=large)
    b.emit(dice.of((o.JGT, o.JSGT, o.JGE)) | o.K | o.JMP, INPUT, 0, 1, 64 + dice.pick(128))
    b.emit(o.MOV | o.K | o.ALU64, target, imm=small)
    _noise(b, dice)
    if form == 3:
        if not _input_byte(b, dice, INDEX):
            return None
        b.leave_to_exit(dice.of((o.JGT, o.JGE)) | o.X | o.JMP, INDEX, LIMIT)
    else:
        _flow(b, dice, form)
    b.emit(o.ADD | o.X | o.ALU64, VALUE, INDEX)
    return _finish(b, b.emit(o.LDX | o.MEM | o.B, 0, VALUE))


def _noise(b: Builder, dice: Dice) -> None:
    """A join and some jumps, where the verifier looks whether it has been here before."""
    for _ in range(dice.pick(3)):
        b.emit(o.MOV | o.K | o.ALU64, 0, imm=dice.pick(4))
        b.emit(o.JA | o.JMP)


def _flow(b: Builder, dice: Dice, form: int) -> None:
    """The offset takes a way: through a copy, the stack, or a function."""
    if form == 1:
        slot = dice.of(SPILL_SLOTS)
        b.emit(o.STX | o.MEM | o.DW, 10, INDEX, slot)
        b.emit(o.MOV | o.K | o.ALU64, INDEX)
        b.emit(o.LDX | o.MEM | o.DW, INDEX, 10, slot)
        b.state.slots[slot] = ANY
    elif form == 2:
        body = [Insn(o.MOV | o.X | o.ALU64, 0, 1), Insn(o.EXIT | o.JMP)]
        if dice.pick(2):
            # The result depends on the argument by a branch and not by data.
            body = [
                Insn(o.MOV | o.K | o.ALU64, 0, imm=200),
                Insn(o.JGT | o.K | o.JMP, 1, 0, 1, 7),
                Insn(o.MOV | o.K | o.ALU64, 0),
                Insn(o.EXIT | o.JMP),
            ]
        b.emit(o.MOV | o.X | o.ALU64, 1, INDEX)
        b.functions.append((b.emit(o.CALL | o.JMP, src=o.CALL_LOCAL), body))
        b.emit(o.MOV | o.X | o.ALU64, INDEX, 0)
    elif dice.pick(2):
        b.emit(o.MOV | o.X | o.ALU64, COPY, INDEX)
        b.emit(o.MOV | o.X | o.ALU64, INDEX, COPY)


def _linked(b: Builder, dice: Dice, size: int) -> int | None:
    """Two copies of one number on one path, two numbers on the other; a comparison of one stands for both."""
    if not _input_byte(b, dice, INDEX) or not _input_byte(b, dice, LIMIT):
        return None
    b.emit(o.JGT | o.K | o.JMP, INPUT, 0, 1, 64 + dice.pick(128))
    b.emit(o.MOV | o.X | o.ALU64, LIMIT, INDEX)
    _noise(b, dice)
    b.leave_to_exit(o.JGT | o.K | o.JMP, LIMIT, imm=min(size, 64) - 1)
    b.emit(o.ADD | o.X | o.ALU64, VALUE, INDEX)
    return _finish(b, b.emit(o.LDX | o.MEM | o.B, 0, VALUE))


def offset_too_large(b: Builder, dice: Dice) -> int | None:
    """A scalar offset bounded a little too generously."""
    if (
        VALUE in b.state.pinned
        or INDEX in b.state.pinned
        or LIMIT in b.state.pinned
        or b.open
        or not b.privileged
    ):
        return None
    size = _value_pointer(b)
    if size is None or not _input_byte(b, dice, INDEX):
        return None
    code, width = dice.of(((o.DW, 8), (o.W, 4), (o.H, 2), (o.B, 1)))
    b.leave_to_exit(o.JGT | o.K | o.JMP, INDEX, imm=size - width + 1 + dice.pick(width))
    b.emit(o.ADD | o.X | o.ALU64, VALUE, INDEX)
    return _finish(b, b.emit(o.LDX | o.MEM | code, 0, VALUE))


def packet_range_by_path(b: Builder, dice: Dice) -> int | None:
    """More packet bytes are proven on the path walked first than on the other.

    The packets of generated inputs are mostly 80 bytes long: enough for the smaller range, not for the
    access.
    """
    if (
        b.type is not ProgramType.XDP
        or b.state.registers.get(6) is None
        or b.open
        or {1, 2, 3, 4} & b.state.pinned
    ):
        return None
    less, proven = 73 + dice.pick(8), 81 + dice.pick(16)
    b.emit(o.LDX | o.MEM | o.W, 2, 6, 0)
    b.emit(o.LDX | o.MEM | o.W, 3, 6, 4)
    _prove(b, less)
    b.emit(o.LDX | o.MEM | o.B, INPUT, 2, dice.pick(64))
    # Past the second check: two instructions to compute its end, and its jump to the exit.
    b.emit(o.JGT | o.K | o.JMP, INPUT, 0, 3, 64 + dice.pick(128))
    _prove(b, proven)
    at = b.emit(o.LDX | o.MEM | o.B, 0, 2, proven - 1)
    for register in (0, 1, 2, 3, 4):
        b.emit(o.MOV | o.K | o.ALU64, register)
        b.state.registers[register] = Number(0, 0)
    return at


def _prove(b: Builder, amount: int) -> None:
    """``amount`` bytes from R2 on are in the packet that ends at R3, or the program exits."""
    b.emit(o.MOV | o.X | o.ALU64, 4, 2)
    b.emit(o.ADD | o.K | o.ALU64, 4, imm=amount)
    b.leave_to_exit(o.JGT | o.X | o.JMP, 4, 3)
