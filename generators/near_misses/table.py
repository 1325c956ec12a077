"""What a near miss is, and what several of them begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R5, R10, Register, alu64, call, jump, leave, load, mov64, store
from ebpf.return_ranges import foreseen_range
from ebpf.rules import Rule
from generators.builder import Builder
from generators.dice import Dice
from generators.goals.chain import Chain
from generators.layout import INPUT_SLOTS, KEY_SLOT, UNTOUCHED
from generators.releasing import release_all
from generators.scopes import PendingJump
from generators.state import ANY, PointerKind
from generators.steps import anything_in, constant_key, map_and_key


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A row."""

    rule: Rule
    apply: Callable[[Builder, Dice], int | None]
    """Break the rule and return the index of the breaking slot; None where it does not fit."""
    first: bool = False
    """It comes before the program's own first instruction."""
    license: str | None = None
    """The program's, in place of GPL."""


def scalar(b: Builder, number: int = 1) -> Register:
    """A register that holds a scalar; its old content is lost."""
    register = (b.state.free() or [R0])[0]
    b.emit(mov64(register, number))
    return register


RARE = 0x1234567
"""A random number that no run draws."""


def rarely(b: Builder) -> PendingJump:
    """What follows is walked by the verifier, and hardly ever run; the jump leads past it.  R0 is lost."""
    b.call_helper("get_prandom_u32")
    return b.branch(jump(o.JNE, R0, RARE))


def break_off(b: Builder) -> int:
    """Exit here with a result that the type may give; the index of the exit."""
    allowed = foreseen_range(b.type, b.attach_type, b.profile.release)
    b.emit(mov64(R0, allowed[0] if allowed else 0))
    return b.emit(leave())


def unwritten(b: Builder, dice: Dice) -> int:
    """The offset of eight bytes of stack that nobody wrote.

    Two times in three the frame reaches beyond them: a verifier keeps a slot for them then, and knows that it
    holds nothing.
    """
    if dice.pick(3):
        b.emit(store(o.DW, R10, UNTOUCHED - 16, 0))
        b.drop_slot(UNTOUCHED - 16)
    return UNTOUCHED


def read_or_write(b: Builder, dice: Dice, register: Register, code: int, offset: int) -> int:
    """Append an access that breaks a rule, by a load to R0 or a store of 0, and return its index."""
    is_load = dice.pick(2)
    return b.emit_breaking(load(code, R0, register, offset) if is_load else store(code, register, offset, 0))


def meet(chain: Chain) -> None:
    """Go on behind what a chain did, where it holds nothing any more."""
    release_all(chain.b, chain.before)
    anything_in(chain.b, R0)
    chain.finish()


def breaking_call(b: Builder, helper: str) -> int:
    """Append a call that breaks a rule, of whose result nobody speaks, and return its index."""
    at = b.emit_breaking(call(helper))
    b.drop(R0, R1, R2, R3, R4, R5)
    anything_in(b, R0)
    return at


def context(b: Builder) -> Register | None:
    """A register that holds the context."""
    sources = b.state.pointers(PointerKind.CONTEXT)
    return sources[0] if sources else None


def unknown_input(b: Builder) -> list[int]:
    """The slots of input of which nobody knows anything; what a goal needed and the program lacked holds
    constants."""
    return [slot for slot in INPUT_SLOTS if b.state.slots.get(slot) == ANY]


def look_up(b: Builder) -> int:
    """A map lookup; R0 may be null.  The value's size in bytes."""
    constant_key(b, 0)
    map_and_key(b, 0)
    b.call_helper("map_lookup_elem")
    return b.maps[0].value_size


def look_up_anything(b: Builder) -> None:
    """A lookup with a key that is there, which nobody can know: since Linux 6.15 a constant key in an array's
    range gives no null."""
    b.call_helper("get_prandom_u32")
    b.emit(alu64(o.AND, R0, 1))
    b.emit(store(o.W, R10, KEY_SLOT, R0))
    map_and_key(b, 0)
    b.call_helper("map_lookup_elem")
