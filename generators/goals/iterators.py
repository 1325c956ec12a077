"""Open-coded iterators: made on the stack, stepped through by a loop that ends where a step gives null, and
destroyed behind it."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R10, alu64, goto, jump, load, mov64, store
from ebpf.isa.insn import Insn
from ebpf.kfuncs.iterators import ITERATORS, IteratorKind
from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.goals.kernel_functions import KernelSupply, offered
from generators.layout import INPUT_BASE, INPUT_SLOTS, OBJECT_BASE
from generators.productions.table import Production
from generators.releasing import fetch
from generators.resources import ResourceKind
from generators.scopes import PendingJump
from generators.settling import change
from generators.state import Number
from generators.steps import SIZES, anything_in, to_stack


def call(b: Builder, kind: IteratorKind, step: str) -> int:
    """Call the function of the iterator at its place and return the slot."""
    to_stack(b, R1, OBJECT_BASE)
    return b.call_kfunc(f"bpf_iter_{kind.name}_{step}")


def kinds(b: Builder) -> list[IteratorKind]:
    """The iterators that may be made here."""
    names = {function.name for function in offered(b, b.may_sleep)}
    taken = any(resource.kind is ResourceKind.ITERATOR for resource in b.state.held)
    return [
        kind
        for kind in ITERATORS.values()
        if not taken
        and f"bpf_iter_{kind.name}_new" in names
        and (kind.name not in ("task", "css") or _protected(b))
        and (kind.name != "css" or "bpf_cgroup_from_id" in names)
    ]


def _protected(b: Builder) -> bool:
    """Whether the program is inside an RCU read-side critical section, as those that never sleep are."""
    return not b.sleepable or any(resource.kind is ResourceKind.RCU for resource in b.state.held)


def make(b: Builder, dice: Dice, kind: IteratorKind) -> None:
    """R2 and R3, and the call that makes it."""
    if kind.name == "num":
        start = dice.of((0, 1, -1, 100))
        b.emit(mov64(R2, start))
        b.emit(mov64(R3, start + dice.pick(6) - (dice.pick(8) == 7)))
    elif kind.name == "bits":
        to_stack(b, R2, INPUT_BASE)
        b.emit(mov64(R3, 1 + dice.pick(2)))
    elif kind.name != "kmem_cache":
        if kind.name == "task":
            b.emit(mov64(R2, 0))
        b.emit(mov64(R3, dice.pick(2)))
    call(b, kind, "new")


def _accumulate(b: Builder, dice: Dice, slot: int) -> None:
    """The number that R0 points to goes into a word on the stack."""
    code, size = dice.of(SIZES[1:])
    b.emit(load(code, R1, R0, size * dice.pick(4 // size), signed=dice.pick(3) == 2))
    if dice.pick(2):
        b.emit(alu64(o.AND, R1, dice.of((1, 3, 7, 0xFF))))
    b.emit(load(o.DW, R2, R10, slot))
    taken_up = change(dice, R2, R1)
    past = b.branch(taken_up.past) if taken_up.past is not None else None
    b.emit(taken_up.insn)
    if past is not None:
        b.land(past)
    b.emit(store(o.DW, R10, slot, R2))


def _leave(b: Builder, dice: Dice) -> list[PendingJump]:
    """Sometimes the loop ends where a number is large."""
    if dice.pick(3) or R1 not in b.state.registers:
        return []
    return [b.branch(jump(o.JGT, R1, dice.pick(6)))]


def _loop(b: Builder, dice: Dice) -> bool:
    possible = kinds(b) if b.gpl else []
    if not possible or any(not isinstance(b.state.slots.get(slot, Number()), Number) for slot in INPUT_SLOTS):
        return False
    with b.attempt() as attempt:
        supply = KernelSupply(b, dice, stays=False)
        kind = dice.of([ITERATORS["num"], ITERATORS["num"], *possible])
        supply.fill_input()
        word = dice.of(INPUT_SLOTS)
        if dice.pick(2):
            b.emit(store(o.DW, R10, word, dice.pick(3)))
        for slot in INPUT_SLOTS:
            b.widen_slot(slot)
        if kind.name == "css":
            place = supply.have("cgroup")
            fetch(b, R2, place)
        make(b, dice, kind)
        _rounds(b, dice, kind, word)
        call(b, kind, "destroy")
        anything_in(b, R0)
        supply.finish()
        attempt.keep()
    return attempt.kept


def _rounds(b: Builder, dice: Dice, kind: IteratorKind, word: int) -> None:
    b.drop(R0)  # it comes back as a pointer
    head = len(b.insns)
    call(b, kind, "next")
    out = [b.branch(jump(o.JEQ, R0, 0))]
    if not kind.gives:
        _accumulate(b, dice, word)
        out += _leave(b, dice)
    b.drop(R0)
    b.emit(back(b, head))
    b.resume(out[0])
    for taken in out[1:]:
        b.land(taken)


def back(b: Builder, head: int) -> Insn:
    """The jump to the loop's first slot."""
    return goto(head - len(b.insns) - 1)


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("iterator", 3, _loop, _NEEDS),)
