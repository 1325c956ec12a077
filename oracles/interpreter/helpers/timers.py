"""Timers in map values (kernel/bpf/helpers.c: bpf_timer_init and those that follow)."""

from __future__ import annotations

from ebpf.maps import MapFieldKind
from oracles.interpreter import deferred
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.helpers.results import integer
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Value


def init(m: Machine, call: Call) -> Value:
    """bpf_timer_init(timer, map, flags)."""
    value = deferred.field_of(m, call.values[0], 1, MapFieldKind.TIMER)
    deferred.check_map(m, value, call.map)
    return integer(m, call)


def set_callback(m: Machine, call: Call) -> Value:
    """bpf_timer_set_callback(timer, function)."""
    value = deferred.field_of(m, call.values[0], 1, MapFieldKind.TIMER)
    deferred.call_later(m, value, call.values[1])
    return integer(m, call)
