"""bpf_spin_lock and bpf_spin_unlock: their argument is known to be a lock already (kernel/bpf/verifier.c:
process_spin_lock)."""

from __future__ import annotations

from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import UNDEFINED, Pointer, Value


def lock(m: Machine, call: Call) -> Value:
    """Take the lock."""
    (place,) = call.values
    assert isinstance(place, Pointer)
    m.resources.take(place.region, place.offset)
    return UNDEFINED


def unlock(m: Machine, call: Call) -> Value:
    """Give it back."""
    (place,) = call.values
    assert isinstance(place, Pointer)
    m.resources.drop(place.region, place.offset)
    return UNDEFINED
