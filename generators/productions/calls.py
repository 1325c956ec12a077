"""Productions that call: map lookups with their null check, updates, deletions, predictable helpers, and
subprograms."""

from __future__ import annotations

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from generators.builder import INPUT_BASE, KEY_SLOT, Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.productions.table import Production
from generators.state import ANY, KnownPointer, Number, PointerKind

_LOCAL = (o.ADD, o.XOR, o.SUB, o.AND, o.OR, o.MUL, o.RSH, o.ARSH, o.LSH)


def call_helper(b: Builder, name: str) -> None:
    """Call by name; R0 to R5 are lost."""
    b.emit(o.CALL | o.JMP, imm=HELPER_NUMBERS[name])
    b.state.call()


def may_call(b: Builder) -> bool:
    """Whether no pinned register would be lost."""
    return not any(r < 6 for r in b.state.pinned)


def _key(b: Builder, dice: Dice) -> None:
    """Four bytes of key at KEY_SLOT: a constant, or a scalar."""
    numbers = [r for r in b.state.numbers() if r > 5]
    if numbers and dice.pick(3) == 2:
        b.emit(o.STX | o.MEM | o.W, 10, dice.of(numbers), KEY_SLOT)
    else:
        b.emit(o.ST | o.MEM | o.W, 10, 0, KEY_SLOT, dice.pick(3))


def _keyed(b: Builder) -> list[int]:
    """Maps with keys of four bytes."""
    return [number for number, spec in enumerate(b.maps) if spec.key_size == 4]


def to_stack(b: Builder, register: int, offset: int) -> None:
    """The register points to ``offset`` from R10."""
    b.emit(o.MOV | o.X | o.ALU64, register, 10)
    b.emit(o.ADD | o.K | o.ALU64, register, imm=offset)


def map_and_key(b: Builder, map_index: int) -> None:
    """R1 = the map, R2 = the key that lies at KEY_SLOT."""
    to_stack(b, 2, KEY_SLOT)
    b.wide(1, map_index, o.PSEUDO_MAP_FD)


def _lookup(b: Builder, dice: Dice) -> bool:
    if not may_call(b) or b.in_loop():
        return False
    index = dice.of(_keyed(b))
    _key(b, dice)
    map_and_key(b, index)
    call_helper(b, "map_lookup_elem")
    b.leave_to_exit(o.JEQ | o.K | o.JMP, 0)
    keep = dice.of([r for r in (7, 8, 9, 0) if r not in b.state.pinned] or [0])
    value = KnownPointer(PointerKind.MAP_VALUE, b.maps[index].value_size)
    if keep:
        b.emit(o.MOV | o.X | o.ALU64, keep, 0)
        b.state.registers[keep] = value
    else:
        b.state.registers[0] = value
    return True


def _update(b: Builder, dice: Dice) -> bool:
    if not may_call(b) or INPUT_BASE not in b.state.slots:
        return False
    index = dice.of(_keyed(b))
    _key(b, dice)
    map_and_key(b, index)
    to_stack(b, 3, INPUT_BASE)
    b.emit(o.MOV | o.K | o.ALU64, 4, imm=dice.of((0, 2, 1)))
    call_helper(b, "map_update_elem")
    if b.profile.knows("6.4"):
        b.state.registers[0] = ANY
    else:
        # Before Linux 6.4 an array's update returns an int, of which the JIT keeps no sign (d7ba4cc900bf).
        b.emit(o.MOV | o.K | o.ALU64, 0)
        b.set_number(0, 0, 0)
    return True


def _subprogram(b: Builder, dice: Dice) -> bool:
    """A static function of two scalars; its body is placed behind the program's end."""
    numbers = b.state.numbers()
    if not b.privileged or not may_call(b) or not numbers:
        return False
    for argument in (1, 2):
        source = dice.of([r for r in numbers if argument == 1 or r != 1] or [10])
        if source == 10:
            b.emit(o.MOV | o.K | o.ALU64, argument, imm=immediate(dice))
        elif source != argument:
            b.emit(o.MOV | o.X | o.ALU64, argument, source)
    body = [Insn(o.MOV | o.X | o.ALU64, 0, 1)]
    for _ in range(1 + dice.pick(3)):
        op, wide = dice.of(_LOCAL), dice.pick(2) == 0
        cls = o.ALU64 if wide else o.ALU
        if op in (o.RSH, o.ARSH, o.LSH) or dice.pick(2):
            body.append(
                Insn(
                    op | o.K | cls, 0, imm=dice.pick(32) if op in (o.RSH, o.ARSH, o.LSH) else immediate(dice)
                )
            )
        else:
            body.append(Insn(op | o.X | cls, 0, 2))
    if dice.pick(2):
        body.append(Insn(dice.of((o.JGT, o.JSGT, o.JLT)) | o.K | o.JMP, 0, 0, 1, immediate(dice)))
        body.append(Insn(o.MOV | o.K | o.ALU64, 0, imm=dice.pick(64)))
    body.append(Insn(o.EXIT | o.JMP))
    b.functions.append((b.emit(o.CALL | o.JMP, src=o.CALL_LOCAL), body))
    b.state.call()
    b.state.registers[0] = ANY
    return True


def _random(b: Builder, dice: Dice) -> bool:
    """An unpredictable 32-bit scalar: executions are not comparable afterwards, claims are."""
    if not may_call(b) or dice.pick(4):
        return False
    call_helper(b, "get_prandom_u32")
    b.state.registers[0] = Number()
    return True


PRODUCTIONS = (
    Production("map-lookup", 4, _lookup),
    Production("map-update", 1, _update),
    Production("subprogram", 2, _subprogram),
    Production("random", 1, _random),
)
