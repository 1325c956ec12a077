"""Loops without end: a run that comes back to a state it was in goes on for ever.

States are compared as Brent's algorithm has it: the state at every power of two of jumps backwards is kept,
and later ones are held against it.  Everything a run can depend on is in the comparison, or the answer is no.
"""

from __future__ import annotations

from typing import Any

from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Pointer, Region, Value

FIRST = 64
"""Jumps backwards before the first state is kept: shorter loops cost nothing."""


class Repetition:
    """The loops of one activation of the machine; a helper that calls back has one of its own."""

    __slots__ = ("_counters", "_jumps", "_memory", "_registers", "_stack")

    def __init__(self) -> None:
        self._jumps = 0
        self._counters: tuple[Any, ...] = ()
        self._registers: list[Value] = []
        self._stack = b""
        self._memory: Any = None

    def seen(self, m: Machine, target: int) -> bool:
        """Note a jump back to ``target``; True when the state is the one that was kept."""
        self._jumps += 1
        jumps = self._jumps
        if jumps < FIRST:
            return False
        if (
            m.registers == self._registers
            and m.frames[-1].stack.data == self._stack
            and self._counters == _counters(m, target)
        ):
            return bool(_memory(m) == self._memory)
        if not jumps & (jumps - 1):
            self._registers, self._stack = list(m.registers), bytes(m.frames[-1].stack.data)
            self._counters, self._memory = _counters(m, target), _memory(m)
        return False


def _counters(m: Machine, target: int) -> tuple[Any, ...]:
    frames = tuple((frame.return_to, frame.may_goto_left, tuple(frame.saved)) for frame in m.frames)
    return (
        target,
        frames,
        m.script_left(),
        m.environment.draws,
        tuple(m.resources.held),
        m.resources.lock,
        tuple(m.resources.sections),
    )


def _memory(m: Machine) -> Any:
    """All memory that can be reached: by region, its bytes, which of them are written, and the pointers among
    them."""
    waiting: list[Region] = [m.packet, m.context, *(frame.stack for frame in m.frames)]
    maps = (*m.maps, *m.inner.values())
    for chosen in maps:
        waiting.extend(chosen.values.values())
    for value in (*m.registers, *(value for frame in m.frames for value in frame.saved)):
        if isinstance(value, Pointer):
            waiting.append(value.region)
    seen: dict[int, tuple[Region, bytes, bytes, tuple[tuple[int, Pointer], ...]]] = {}
    while waiting:
        region = waiting.pop()
        if id(region) not in seen:
            pointers = tuple(sorted(region.pointers.items(), key=lambda item: item[0]))
            seen[id(region)] = region, bytes(region.data), bytes(region.written or b""), pointers
            waiting.extend(pointer.region for _, pointer in pointers)
    contents = tuple((tuple(chosen.values), tuple(chosen.untouched), tuple(chosen.queue)) for chosen in maps)
    return seen, contents
