"""Helpers that call a function of the program: so many times, or for each element of a map."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R5, Register, alu64, jump, leave, load, load_map, mov64, store
from ebpf.isa.insn import Insn
from ebpf.maps import MapType
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.layout import INPUT_BASE
from generators.maps import is_plain
from generators.productions.table import Production
from generators.scopes import StaticFunction
from generators.steps import SIZES, alu, to_stack

_OPERATIONS = (o.ADD, o.XOR, o.OR, o.SUB, o.MUL)
_ITERABLE = frozenset({
    MapType.ARRAY, MapType.HASH, MapType.LRU_HASH, MapType.PERCPU_ARRAY, MapType.PERCPU_HASH,
})  # fmt: skip


def _accumulate(dice: Dice, number: Register, memory: Register, room: int) -> list[Insn]:
    """A place in memory takes up a number."""
    code, size = dice.of(SIZES)
    place = size * dice.pick(room // size)
    return [
        load(code, R0, memory, place),
        alu(dice.of(_OPERATIONS), R0, number, dice.pick(2) == 0),
        store(code, memory, place, R0),
    ]


def _end(dice: Dice, number: Register) -> list[Insn]:
    """Go on, or stop where the number says so."""
    if dice.pick(2):
        return [mov64(R0, 0), leave()]
    return [mov64(R0, 1), jump(o.JGT, number, dice.pick(8), 1), mov64(R0, 0), leave()]


def _call_back(b: Builder, helper: str, body: list[Insn]) -> None:
    """Call the helper, which has its first argument, with the function and 64 bytes of stack."""
    b.load_callback(R2, StaticFunction(tuple(body)))
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, 0))
    b.call_helper(helper)


def _loop(b: Builder, dice: Dice) -> bool:
    if not b.profile.knows("5.17") or not b.has_helper("loop"):
        return False
    # Never no rounds: kernels remove the callback as dead code, and then miss it (docs/known-issues.md).
    numbers = [register for register in b.state.numbers() if register > 5]
    if numbers and dice.pick(3) == 2:
        b.emit(mov64(R1, dice.of(numbers)))
        b.emit(alu64(o.AND, R1, 7))
        b.emit(alu64(o.OR, R1, 1))
    else:
        b.emit(mov64(R1, 1 + dice.pick(8)))
    body = [*_accumulate(dice, R1, R2, 64), alu(dice.of(_OPERATIONS), R1, immediate(dice), dice.pick(2) == 0)]
    _call_back(b, "loop", [*body, *_end(dice, R1)])
    return True


def _for_each(b: Builder, dice: Dice) -> bool:
    """The elements of arrays and hashes; per-CPU values are those of this CPU."""
    if not b.profile.knows("5.13") or not b.has_helper("for_each_map_elem"):
        return False
    maps = [n for n, spec in enumerate(b.maps) if spec.type in _ITERABLE and is_plain(spec)]
    index = dice.of(maps)
    b.emit_wide(load_map(R1, index))
    code, size = dice.of(SIZES)
    # The callback gets the map, a key, its value and the context.
    body = [
        load(o.W, R5, R2, 0),
        load(code, R1, R3, size * dice.pick(b.maps[index].value_size // size)),
        *_accumulate(dice, R1, R4, 64),
    ]
    if dice.pick(2):
        body += _accumulate(dice, R5, R3, b.maps[index].value_size)
    _call_back(b, "for_each_map_elem", [*body, *_end(dice, R5)])
    return True


_NEEDS = (needs.PRIVILEGED, needs.MAY_CALL, needs.OUTSIDE_LOOPS, needs.INPUT, needs.JIT)
PRODUCTIONS = (
    Production("callback-loop", 1, _loop, _NEEDS),
    Production("callback-elements", 1, _for_each, _NEEDS),
)
