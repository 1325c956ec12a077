"""Claims held against one step of a run: the first that does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ebpf.byte_order import ByteOrder
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.verifier_log.claims import ClaimedState, PointerClaim, ScalarClaim, SlotClaim
from oracles.interpreter import Step
from oracles.interpreter.memory import Pointer, Undefined, Value

NEVER_NULL = {"ctx", "fp", "map_ptr", "map_value", "pkt", "pkt_end", "pkt_meta"}
"""Pointer types that are what they say; others (``ptr_``, ``rcu_ptr_``) may be null without ``_or_null`` in
their name."""
_VIEWS = {
    f"{sign}{end}{half}": (32 if half else 64, sign == "s")
    for sign in "us" for end in ("min", "max") for half in ("", "32")
}  # fmt: skip
"""Bounds by their name in the log: how many bits they are of, and whether signed."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A number that a run holds where the kernel claims another: in ``register``, or, where that is None, in
    ``width`` bytes of the stack from ``slot`` (negative, from R10) on; None for a register that holds
    nothing."""

    number: int | None
    register: int | None
    slot: int = 0
    width: int = 8


@dataclass(frozen=True, slots=True)
class Violation:
    """A claim that does not hold."""

    place: str
    """The register or slot, as the log names it."""
    claim: str
    """As the log writes it: ``umax=7``."""
    value: str
    """What is there."""
    registers: tuple[int, ...] = ()
    """The registers that the claim says are equal, where it is one of equality."""
    holding: Holding | None = None
    """What a program can store to show it, where it is one number."""

    @property
    def view(self) -> str:
        """Which bound it is, without its value."""
        return self.claim.partition("=")[0]

    @property
    def sentence(self) -> str:
        """Who says what, in one base, and by how much it is wrong where that is a number."""
        bits, signed = _VIEWS.get(self.view, (0, False))
        number = self.holding.number if self.holding is not None else None
        if not bits or number is None:
            return f"the kernel claims {self.claim} for {self.place}, which holds {self.value}"
        bound = int(self.claim.partition("=")[2], 0)
        held = number & ((1 << bits) - 1)
        if signed and held >> (bits - 1):
            held -= 1 << bits
        off = f"{abs(held - bound):#x} {'more' if held > bound else 'less'}"
        half = " in its lower half" if bits == 32 else ""
        return (
            f"the kernel claims {self.view}={bound:#x} for {self.place}, which holds {held:#x}{half}, {off},"
        )


def first_violated_claim(state: ClaimedState, step: Step, order: ByteOrder) -> Violation | None:
    """The first claim of a state that does not hold after ``step`` on a machine of that byte order."""
    unequal = _unequal_scalars(state, step, order) if state.has_equals else None
    if unequal is not None:
        return unequal
    for register, claim in state.registers:
        value = step.registers[register]
        if isinstance(claim, ScalarClaim):
            if isinstance(value, int):
                bound = claim.range.excluded_by(value)
                if bound is not None:
                    return Violation(f"R{register}", bound, f"0x{value:x}", holding=Holding(value, register))
            elif isinstance(value, Undefined):
                unwritten = "nothing: it was not written since the last call"
                return Violation(f"R{register}", "type=scalar", unwritten, holding=Holding(None, register))
        elif isinstance(claim, PointerClaim):
            bound = _violated_offset(claim, value)
            if bound is not None:
                return Violation(f"R{register}", bound, repr(value))
    for slot in state.slots:
        violated = _violated_slot(slot, step, order)
        if violated is not None:
            return violated
    return None


def _unequal_scalars(state: ClaimedState, step: Step, order: ByteOrder) -> Violation | None:
    """Scalars of one id, in one state, that are not equal: the verifier narrows all of them by a comparison
    of one.

    Only those without a delta: what a delta says of 32-bit additions differs between kernels (``id=1+8``;
    sync_linked_regs).
    """
    values: dict[int, _Held] = {}
    for held in _held_scalars(state, step, order):
        if held.claim.id is None or held.claim.delta:
            continue
        first = values.setdefault(held.claim.id, held)
        if held.value != first.value:
            claim = f"id={held.claim.id}, the same as for {first.place} (0x{first.value:x}),"
            registers = tuple(each.register for each in (held, first) if each.register is not None)
            return Violation(held.place, claim, f"0x{held.value:x}", registers)
    return None


@dataclass(frozen=True, slots=True)
class _Held:
    """A claimed scalar and the number that is there; ``register`` is None for a stack slot."""

    place: str
    claim: ScalarClaim
    value: int
    register: int | None = None


def _held_scalars(state: ClaimedState, step: Step, order: ByteOrder) -> Iterator[_Held]:
    for slot in state.slots:
        start = STACK_SIZE + slot.offset
        whole = slot.width == 8 and start >= 0 and start not in step.stack.pointers
        if isinstance(slot.value, ScalarClaim) and whole and 0 not in step.stack.written[start : start + 8]:
            number = order.number(step.stack.data[start : start + 8])
            yield _Held(f"fp{slot.offset}", slot.value, number)
    for register, claim in state.registers:
        value = step.registers[register]
        if isinstance(claim, ScalarClaim) and isinstance(value, int):
            yield _Held(f"R{register}", claim, value, register)


def _violated_offset(claim: PointerClaim, value: Value) -> str | None:
    """A pointer's offset into its map value or stack, where both sides know it."""
    if isinstance(value, int):
        # A pointer that may be null is; anything else a number can be here, or a pointer of another type, is
        # not ours to judge.
        return None if value or claim.type not in NEVER_NULL else f"type={claim.type}"
    if not isinstance(value, Pointer) or claim.nullable:
        return None
    if claim.type == "map_value":
        offset = value.offset
    elif claim.type == "fp":
        offset = value.offset - STACK_SIZE
    else:
        return None
    within = (offset - claim.fixed_offset) & 0xFFFF_FFFF_FFFF_FFFF
    if claim.variable_offset.is_unknown:
        return None
    return claim.variable_offset.excluded_by(within)


def _violated_slot(slot: SlotClaim, step: Step, order: ByteOrder) -> Violation | None:
    start = STACK_SIZE + slot.offset
    if start < 0 or start in step.stack.pointers or 0 in step.stack.written[start : start + 8]:
        return None
    content = step.stack.data[start : start + 8]
    bound = slot.excluded_by(content, order)
    if bound is None:
        return None
    return Violation(
        f"fp{slot.offset}", bound, f"0x{order.number(content):x}", holding=_holding_of(slot, content, order)
    )


def _holding_of(slot: SlotClaim, content: bytes, order: ByteOrder) -> Holding:
    """The byte that is not zero, or what was spilled."""
    for index, letter in enumerate(reversed(slot.letters)):
        if letter == "0" and content[index]:
            return Holding(content[index], None, slot.offset + index, 1)
    return Holding(order.number(content[: slot.width]), None, slot.offset, slot.width)
