"""Near misses at a call: all arguments as the prototype wants them but for one, or all of them, and the type
or the licence lacks the helper."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf.helpers.prototype import ArgKind as A
from ebpf.helpers.prototype import Prototype
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R10, REGISTERS, Register, call, load, load_map, mov64, store
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.layout import CLONE_BASE, INPUT_BASE, INPUT_BYTES, KEY_SLOT, UNTOUCHED
from generators.near_misses.table import breaking_call, unknown_input, unwritten
from generators.productions.helpers import FIXED, VALUES, arguments, offered, perform
from generators.steps import anything_in, constant_key, to_stack

POINTERS = FIXED | VALUES | {A.CTX, A.CONST_MAP, A.MAP_KEY, A.MEM, A.MEM_RDONLY, A.MEM_UNINIT}
READ = frozenset({A.MAP_KEY, A.MAP_VALUE, A.FIXED_MEM})
SIZES = frozenset({A.SIZE, A.SIZE_OR_ZERO})
NO_POINTER = (1, 0x1234, -1)


def _of(prototype: Prototype, kinds: frozenset[A]) -> list[Register]:
    """Registers whose argument is one of these."""
    return [REGISTERS[number] for number, arg in enumerate(prototype.args, 1) if arg.kind in kinds]


def _calls(
    b: Builder, dice: Dice, kinds: frozenset[A], *, has: bool = True
) -> Iterator[tuple[Prototype, list[Register]]]:
    """Helpers with such an argument, each with its registers, from a random one on."""
    if not MAY_CALL.holds(b):
        return
    fitting = [(prototype, found) for prototype in offered(b, has=has) if (found := _of(prototype, kinds))]
    start = dice.pick(len(fitting)) if fitting else 0
    yield from fitting[start:]


def number_for_pointer(b: Builder, dice: Dice) -> int | None:
    """Where the helper wants a pointer."""
    for prototype, registers in _calls(b, dice, POINTERS):
        if arguments(b, dice, prototype):
            b.emit(mov64(dice.of(registers), dice.of(NO_POINTER)))
            return perform(b, prototype)
    return None


def beyond_the_frame(b: Builder, dice: Dice) -> int | None:
    """What the helper reads begins where the frame ends, or ends behind it."""
    for prototype, registers in _calls(b, dice, READ):
        if arguments(b, dice, prototype):
            to_stack(b, dice.of(registers), dice.of((0, -1, -512 - 8)))
            return perform(b, prototype)
    return None


def too_much(b: Builder, dice: Dice) -> int | None:
    """One byte more than there is up to the frame's end."""
    for prototype, registers in _calls(b, dice, SIZES):
        size = dice.of(registers)
        if arguments(b, dice, prototype):
            to_stack(b, REGISTERS[size - 1], INPUT_BASE)
            b.emit(mov64(size, INPUT_BYTES + dice.of((1, 8, 512))))
            return perform(b, prototype)
    return None


def unbounded_size(b: Builder, dice: Dice) -> int | None:
    """A size of which nobody knows anything."""
    for prototype, registers in _calls(b, dice, SIZES):
        # What the call is about to fill holds constants still.
        unknown = unknown_input(b)
        if unknown and arguments(b, dice, prototype):
            slots = [slot for slot in unknown_input(b) if slot in unknown]
            if not slots:
                return None
            b.emit(load(o.DW, dice.of(registers), R10, slots[0]))
            return perform(b, prototype)
    return None


def not_of_this_type(b: Builder, dice: Dice) -> int | None:
    """A helper that other types have, called as they would."""
    for prototype, _ in _calls(b, dice, frozenset(A), has=False):
        if arguments(b, dice, prototype):
            return perform(b, prototype)
    return None


def wrong_argument(b: Builder, dice: Dice) -> int | None:
    """A lookup whose key is a number, or too short, or whose map is a number."""
    form = dice.pick(3)
    if form == 0:
        b.emit(mov64(R2, 0))
    else:
        to_stack(b, R2, KEY_SLOT if form == 1 else -2)
    if form == 1:
        constant_key(b, 0)
        b.emit(mov64(R1, 0))
    else:
        b.emit_wide(load_map(R1, 0))
    at = b.call_helper("map_lookup_elem")
    anything_in(b, R0)
    return at


def uninitialised_argument(b: Builder, dice: Dice) -> int | None:
    """A map is given a key or a value that nobody wrote, or only half of it, without privilege."""
    if b.privileged:
        return None
    offset = unwritten(b, dice)
    index = 2
    fits = b.maps[index].value_size <= CLONE_BASE - UNTOUCHED
    helper, register = dice.of(
        (
            ("map_lookup_elem", R2),
            ("map_delete_elem", R2),
            ("map_update_elem", R2),
            ("map_update_elem", R3 if fits else R2),
        )
    )
    if dice.pick(2):
        code, half = (o.W, 4) if register == R3 else (o.H, 2)
        b.emit(store(code, R10, offset + half * dice.pick(2), 0))
        b.drop_slot(offset)
    constant_key(b, 0)
    to_stack(b, R2, KEY_SLOT)
    to_stack(b, R3, KEY_SLOT)
    to_stack(b, register, offset)
    b.emit(mov64(R4, 0))
    b.emit_wide(load_map(R1, index))
    return breaking_call(b, helper)


def unknown_helper(b: Builder, dice: Dice) -> int | None:
    """A number that no helper has."""
    return b.emit(call(dice.of((9999, 0, -1, 58))))


def gpl_helper(b: Builder, dice: Dice) -> int | None:
    """A helper for GPL programs only."""
    if not b.privileged:
        return None
    to_stack(b, R1, KEY_SLOT)
    b.emit(store(o.DW, R10, KEY_SLOT, 0))
    b.drop_slot(KEY_SLOT)
    b.emit(mov64(R2, 8))
    return b.call_helper("trace_printk")
