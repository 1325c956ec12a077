"""Functions of the program that a timer or a work queue calls later (kernel/bpf/helpers.c: bpf_timer_cb,
bpf_wq_work; Linux 6.12): at any time from when they are set, if the timer was started before, so that they
run then, on their own."""

from __future__ import annotations

from ebpf import rules
from ebpf.maps import MapFieldKind
from oracles.interpreter.machine import Machine
from oracles.interpreter.maps import Map
from oracles.interpreter.memory import Pointer, Region, Value
from oracles.interpreter.resources import Resources


def field_of(m: Machine, value: Value, register: int, kind: MapFieldKind) -> Region:
    """The map's value that has a timer or work queue where the argument points."""
    region = value.region if isinstance(value, Pointer) else None
    if region is not None and isinstance(value, Pointer):
        for field in region.special:
            if field.kind is kind and field.offset == value.offset:
                return region
    m.trap(rules.HELPER_ARGUMENT, f"R{register} is no {kind.value}")


def check_map(m: Machine, value: Region, chosen: Map | None) -> None:
    """The map that is given is the one that the value is in."""
    if chosen is None or not any(value is region for region in chosen.values.values()):
        m.trap(rules.HELPER_ARGUMENT, "R2 is not the map that R1 points into")


def call_later(m: Machine, value: Region, callback: Value) -> None:
    """Run the function as it will be some time."""
    if not isinstance(callback, Pointer) or callback.region is not m.code_region:
        m.trap(rules.HELPER_ARGUMENT, "R2 is no function")
    chosen = next(held for held in m.maps if any(value is region for region in held.values.values()))
    size = chosen.spec.key_size
    key = Region(
        "key", bytearray(size), m.environment.base(size), rules.MEMORY_BOUNDS, writable=False, defined=False
    )
    m.environment.drawn = True  # when it runs nobody knows
    registers, resources = list(m.registers), m.resources
    m.resources = Resources()
    m.registers[1:6] = [Pointer(chosen.handle, 0), Pointer(key, 0), Pointer(value, 0), *m.scratched(2)]
    m.run_callback(callback.offset)
    m.resources.check_exit()
    if m.number(m.read(0)):
        m.trap(rules.RETURN_RANGE, "a function that is called later returned another number than 0")
    m.registers[:], m.resources = registers, resources
