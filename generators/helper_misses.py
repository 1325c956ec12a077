"""Near misses at a call: all arguments as the prototype wants them but for one, or all of them, and the type
lacks the helper."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf.helpers.prototype import ArgKind as A
from ebpf.helpers.prototype import Prototype
from ebpf.isa import opcodes as o
from generators.builder import INPUT_BASE, Builder
from generators.dice import Dice
from generators.productions.calls import may_call, to_stack
from generators.productions.helpers import FIXED, INPUT_BYTES, VALUES, arguments, offered, perform

POINTERS = FIXED | VALUES | {A.CTX, A.CONST_MAP, A.MAP_KEY, A.MEM, A.MEM_RDONLY, A.MEM_UNINIT}
READ = frozenset({A.MAP_KEY, A.MAP_VALUE, A.FIXED_MEM})
SIZES = frozenset({A.SIZE, A.SIZE_OR_ZERO})
NO_POINTER = (1, 0x1234, -1)


def _of(prototype: Prototype, kinds: frozenset[A]) -> list[int]:
    """Registers whose argument is one of these."""
    return [number for number, arg in enumerate(prototype.args, 1) if arg.kind in kinds]


def _calls(
    b: Builder, dice: Dice, kinds: frozenset[A], *, has: bool = True
) -> Iterator[tuple[Prototype, list[int]]]:
    """Helpers with such an argument, each with its registers, from a random one on."""
    fitting = [(prototype, found) for prototype in offered(b, has=has) if (found := _of(prototype, kinds))]
    start = dice.pick(len(fitting)) if fitting and may_call(b) else 0
    yield from fitting[start:] if may_call(b) else ()


def number_for_pointer(b: Builder, dice: Dice) -> int | None:
    """Where the helper wants a pointer."""
    for prototype, registers in _calls(b, dice, POINTERS):
        if arguments(b, dice, prototype):
            b.emit(o.MOV | o.K | o.ALU64, dice.of(registers), imm=dice.of(NO_POINTER))
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
            to_stack(b, size - 1, INPUT_BASE)
            b.emit(o.MOV | o.K | o.ALU64, size, imm=INPUT_BYTES + dice.of((1, 8, 512)))
            return perform(b, prototype)
    return None


def unbounded_size(b: Builder, dice: Dice) -> int | None:
    """A size of which nobody knows anything."""
    for prototype, registers in _calls(b, dice, SIZES):
        if arguments(b, dice, prototype):
            b.emit(o.LDX | o.MEM | o.DW, dice.of(registers), 10, INPUT_BASE)
            return perform(b, prototype)
    return None


def not_of_this_type(b: Builder, dice: Dice) -> int | None:
    """A helper that other types have, called as they would."""
    for prototype, _ in _calls(b, dice, frozenset(A), has=False):
        if arguments(b, dice, prototype):
            return perform(b, prototype)
    return None
