"""Near misses in what goes round: an offset that grows from round to round is in bounds after one, and not
after all.

Counted loops, iterators, and functions that helpers call back: a verifier that walks fewer rounds than a run
makes, or forgets what one leaves to the next, accepts them.
"""

from __future__ import annotations

from collections.abc import Callable

from ebpf.editing import retarget
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R10, add64, jump, leave, load, load_map, mov64, store
from ebpf.isa.insn import Insn
from ebpf.kfuncs.iterators import ITERATORS
from generators.builder import Builder
from generators.conditions import INPUT, MAY_CALL
from generators.dice import Dice
from generators.goals.iterators import back, call, kinds
from generators.layout import INPUT_BASE
from generators.near_misses.paths import INDEX, LIMIT, access, fits, value_pointer
from generators.scopes import StaticFunction
from generators.steps import anything_in, to_stack

_NUMBERS = ITERATORS["num"]


def offset_grows(b: Builder, dice: Dice) -> int | None:
    """The offset is half the value's size after each round; there are two or more."""
    possible = [rounds for holds, rounds in _ROUNDS if holds(b)]
    if not fits(b) or not possible:
        return None
    with b.attempt() as attempt:
        dice.of(possible)(b, dice)
        size = value_pointer(b)
        if size is not None:
            attempt.keep()
    return access(b, dice.of((o.B, o.H, o.W))) if attempt.kept else None


def _half(b: Builder) -> int:
    """Half of the value that is used."""
    return next(spec.value_size for spec in b.maps if spec.max_entries == 1) // 2


def _by_counter(b: Builder, dice: Dice) -> None:
    b.emit(mov64(INDEX, 0))
    b.emit(mov64(LIMIT, 0))
    head = len(b.insns)
    b.emit(add64(INDEX, _half(b)))
    b.emit(add64(LIMIT, 1))
    again = b.branch(jump(o.JLT, LIMIT, 2 + dice.pick(6))).jump
    b.insns[again] = retarget(b.insns[again], again, head)
    b.widen(INDEX)


def _grow(step: int, memory: int) -> tuple[Insn, ...]:
    """The word that a register points to grows."""
    return (Insn(o.LDX | o.MEM | o.DW, 0, memory), add64(R0, step), Insn(o.STX | o.MEM | o.DW, memory, 0))


def _begin(b: Builder) -> None:
    b.emit(store(o.DW, R10, INPUT_BASE, 0))


def _end(b: Builder) -> None:
    b.widen_slot(INPUT_BASE)
    b.emit(load(o.DW, INDEX, R10, INPUT_BASE))


def _by_callback(b: Builder, dice: Dice) -> None:
    _begin(b)
    b.emit(mov64(R1, 2 + dice.pick(6)))
    b.load_callback(R2, StaticFunction((*_grow(_half(b), R2), mov64(R0, 0), leave())))
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, 0))
    b.call_helper("loop")
    _end(b)


def _by_elements(b: Builder, dice: Dice) -> None:
    """Maps 0 and 1 have two elements and four."""
    _begin(b)
    b.emit_wide(load_map(R1, dice.pick(2)))
    b.load_callback(R2, StaticFunction((*_grow(_half(b), R4), mov64(R0, 0), leave())))
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, 0))
    b.call_helper("for_each_map_elem")
    _end(b)


def _by_iterator(b: Builder, dice: Dice) -> None:
    _begin(b)
    b.emit(mov64(R2, 0))
    b.emit(mov64(R3, 2 + dice.pick(6)))
    call(b, _NUMBERS, "new")
    b.drop(R0)
    head = len(b.insns)
    call(b, _NUMBERS, "next")
    nothing = b.branch(jump(o.JEQ, R0, 0))
    b.drop(R0)
    b.emit(load(o.DW, R1, R10, INPUT_BASE))
    b.emit(add64(R1, _half(b)))
    b.emit(store(o.DW, R10, INPUT_BASE, R1))
    b.emit(back(b, head))
    b.resume(nothing)
    call(b, _NUMBERS, "destroy")
    anything_in(b, R0)
    _end(b)


def _calls_back(since: str, helper: str) -> Callable[[Builder], bool]:
    def holds(b: Builder) -> bool:
        return b.profile.knows(since) and b.has_helper(helper) and MAY_CALL.holds(b) and INPUT.holds(b)

    return holds


def _iterates(b: Builder) -> bool:
    return MAY_CALL.holds(b) and INPUT.holds(b) and _NUMBERS in kinds(b)


_ROUNDS: tuple[tuple[Callable[[Builder], bool], Callable[[Builder, Dice], None]], ...] = (
    (lambda b: b.profile.knows("5.3"), _by_counter),
    (_calls_back("5.17", "loop"), _by_callback),
    (_calls_back("5.17", "loop"), _by_callback),
    (_calls_back("5.13", "for_each_map_elem"), _by_elements),
    (_iterates, _by_iterator),
)
"""When there can be rounds, and what makes them."""
