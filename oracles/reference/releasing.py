"""Giving references back (kernel/bpf/verifier.c: release_reference; Linux 6.12)."""

from __future__ import annotations

from ebpf import rules
from oracles.reference.explorer import Explorer
from oracles.reference.registers import number
from oracles.reference.state import SymbolicState
from oracles.reference.values import RELEASED, Null, SymbolicPointer, Value
from oracles.terms.term import extract


def release(x: Explorer, s: SymbolicState, value: SymbolicPointer | Null | None) -> None:
    """Give back what ``value`` refers to.  With privilege every pointer to it becomes a number, else nothing
    (kernel/bpf/verifier.c, release_reference: mark_reg_invalid)."""
    reference = value.reference if isinstance(value, SymbolicPointer) else None
    if reference is None or reference not in s.references:
        x.violation(s, rules.RELEASE_UNREFERENCED, "no reference is held")
    release_reference(x, s, reference)


def release_reference(x: Explorer, s: SymbolicState, reference: int) -> None:
    """Give back one that is held."""
    del s.references[reference]

    def gone(held: Value) -> bool:
        return isinstance(held, SymbolicPointer) and held.reference == reference

    def remains(held: Value) -> Value:
        if not gone(held):
            return held
        return number(s, held) if x.facts.privileged else RELEASED

    s.registers = [remains(held) for held in s.registers]
    for frame in s.frames:
        frame.saved = tuple(remains(held) for held in frame.saved)
        for at, (held, n, _) in list(frame.stack.bytes.items()):
            if gone(held):
                frame.stack.store(at, 1, extract(number(s, held), 8 * n + 7, 8 * n))
