"""Points of a run, and what its registers hold there whatever addresses are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.observing.observation import STEP_LIMIT, Observation
from ebpf.isa.insn import encode
from oracles.interpreter import Returned, Step, run

SMALL = 24
"""Programs of so many slots have every point looked at, so that what is found can be reduced."""
MOST_POINTS = 16
OF_LARGE = 3
"""Points of larger programs."""
OTHER_SEED = 7


@dataclass(frozen=True, slots=True)
class Point:
    """Before the instruction in slot ``at`` of the main function, on one input."""

    input: int
    after: int
    """The slot of the instruction that was executed before it."""
    at: int
    scalars: tuple[tuple[int, int], ...]
    """(register, value) of every register that holds a number, the same for all addresses."""


def points(observation: Observation) -> tuple[Point, ...]:
    """The points to look at, in the order of the run; the same for the same program."""
    insns = observation.case.program.instructions
    found = list(dict.fromkeys(_points(observation)))
    if len(insns) <= SMALL:
        return tuple(found[:MOST_POINTS])
    ranked = sorted(found, key=lambda point: zlib.crc32(encode(insns) + bytes((point.at & 0xFF,))))
    return tuple(sorted(ranked[:OF_LARGE], key=found.index))


def _points(observation: Observation) -> Iterator[Point]:
    """Of the first run that a kernel must repeat, the last visit of each slot of the main function."""
    for number, (outcome, trace) in enumerate(observation.runs):
        data = observation.case.inputs[number]
        if not isinstance(outcome, Returned) or not outcome.predictable or data.helpers:
            continue
        other: list[Step] = []
        run(observation.case, data, seed=OTHER_SEED, trace=other, limit=STEP_LIMIT)
        if [step.at for step in other] != [step.at for step in trace]:
            continue
        last = {trace[n + 1].at: n for n in range(len(trace) - 1) if _is_in_main(trace, n)}
        for at, n in sorted(last.items(), key=lambda item: item[1]):
            scalars = tuple(_scalars(trace[n], other[n]))
            if scalars:
                yield Point(number, trace[n].at, at, scalars)
        return


def _is_in_main(trace: tuple[Step, ...], n: int) -> bool:
    return trace[n].depth == 0 and trace[n + 1].frame == 0


def _scalars(step: Step, other: Step) -> Iterator[tuple[int, int]]:
    for register in range(10):
        value = step.registers[register]
        if isinstance(value, int) and other.registers[register] == value:
            yield register, value
