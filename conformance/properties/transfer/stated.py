"""What a printed state says of numbers that the path machine knows."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf.domains import ScalarRange
from ebpf.verifier_log.claims import ClaimedState, ScalarClaim, SlotClaim
from oracles.paths import PathMachine, PointerTo
from oracles.terms.term import Term

_ZERO = ScalarRange.constant(0)


def stated(machine: PathMachine, state: ClaimedState) -> Iterator[tuple[str, Term, ScalarRange]]:
    """(place, term, range) of each scalar in a register or slot, and of bytes that are zero."""
    for slot in state.slots:
        yield from _slot(machine, slot)
    for register, claim in state.registers:
        term = machine.registers[register]
        if isinstance(claim, ScalarClaim) and term is not None and not isinstance(term, PointerTo):
            yield f"R{register}", term, claim.range


def _slot(machine: PathMachine, slot: SlotClaim) -> Iterator[tuple[str, Term, ScalarRange]]:
    stored = slot.stored
    if stored is not None:
        term = machine.read(slot.offset, slot.width)
        if term is not None:
            yield f"fp{slot.offset}", term, stored
    for index, letter in enumerate(reversed(slot.letters)):
        byte = machine.read(slot.offset + index, 1) if letter == "0" else None
        if byte is not None:
            yield f"byte fp{slot.offset + index}", byte, _ZERO
