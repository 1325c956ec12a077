"""Indirect jumps: a bounded number picks an instruction from a table of their addresses."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.isa.build import add64, alu64, goto, goto_register, load, load_map_value, mov64
from ebpf.maps import MapSpec, MapType
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.productions.table import Production
from generators.steps import alu

SINCE = "6.19"
ENTRY = 8
"""Bytes of an entry as the program sees it: an address."""
_VALUE = 16
"""Bytes of struct bpf_insn_array_value (include/uapi/linux/bpf.h), which begins with the slot."""
_OPERATIONS = (o.ADD, o.XOR, o.OR, o.SUB)


def _jump_by_table(b: Builder, dice: Dice) -> bool:
    """As many blocks as the table has entries; each changes a number, and all come together."""
    free = [register for register in b.state.free() if b.state.may_lose(register)]
    known = b.profile.kernel_functions and b.profile.knows(SINCE)
    if not b.gpl or not known or len(free) < 3 or not b.state.numbers():
        return False
    address, index, number = free[-1], free[-2], free[-3]
    count = 2 << dice.pick(2)
    source = dice.of(b.state.numbers())
    b.emit(mov64(index, source))
    b.emit(mov64(number, dice.pick(100)))
    b.maps.append(MapSpec(MapType.INSN_ARRAY, 4, _VALUE, count, name=f"table{len(b.maps)}"))
    table = len(b.maps) - 1
    b.emit(alu64(o.AND, index, count - 1))
    b.emit(alu64(o.LSH, index, 3))
    b.emit_wide(load_map_value(address, table))
    b.emit(add64(address, index))
    b.emit(load(o.DW, address, address, 0))
    b.drop(index)
    there = b.state.copy()
    b.emit(goto_register(address))
    targets, ends = [], []
    for left in range(count - 1, -1, -1):
        targets.append(len(b.insns))
        b.state = there.copy()
        b.drop(address)
        b.emit(alu(dice.of(_OPERATIONS), number, immediate(dice), dice.pick(2) == 0))
        if left:
            ends.append(b.skip(goto()))
    for taken in ends:
        b.land(taken)
    order = b.profile.byte_order
    contents = tuple(
        (order.bytes(key, 4), order.bytes(slot, 4) + bytes(_VALUE - 4)) for key, slot in enumerate(targets)
    )
    b.maps[table] = replace(b.maps[table], contents=contents)
    return True


_NEEDS = (needs.HAS_GOALS, needs.SCALAR, needs.OUTSIDE_LOOPS, needs.JIT)
PRODUCTIONS = (Production("jump-table", 2, _jump_by_table, _NEEDS),)
