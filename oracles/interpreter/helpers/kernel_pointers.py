"""bpf_kptr_xchg: what a map's value held is the program's, and the other way round (kernel/bpf/helpers.c)."""

from __future__ import annotations

from ebpf import rules
from oracles.interpreter import kernel_pointers
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Pointer, Value
from oracles.interpreter.objects import KernelRegion


def exchange(m: Machine, call: Call) -> Value:
    """bpf_kptr_xchg(place, pointer or null): what was there."""
    place, given = call.values
    assert isinstance(place, Pointer)
    field = kernel_pointers.field_at(m, place.region, place.offset, 8)
    assert field is not None, "the argument was checked"
    new = None
    if isinstance(given, Pointer):
        if given.region.name != field.to or given.offset:
            m.trap(rules.HELPER_ARGUMENT, f"R2 is {given}, not a {field.to}")
        m.resources.release(given.region)
        new = Pointer(KernelRegion(field.to, m.environment), 0)
        new.region.base = given.region.base
    old = kernel_pointers.content(m, place.region, field)
    place.region.kept[field.offset] = new
    place.region.version += 1
    if old is None:
        return 0
    m.resources.acquire(old.region)
    return old
