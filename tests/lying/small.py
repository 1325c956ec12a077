"""Observations by hand: a few instructions, a log written for them, and what each engine gave."""

from __future__ import annotations

from conformance.kernel.jobs import Jit, KernelAnswer, Loaded, RunResult
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts
from ebpf.assembly import parse
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from generators.programs import Generated, Purpose
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import Budget
from tests.lying.asking import observe
from tests.lying.lies import PROCESSED

OUT = MapSpec(MapType.ARRAY, 4, 96, 1, name="out")
LOAD = "r0 = *(u32 *)(r1 +8)"
"""R0 becomes the mark: a 32-bit number that a test run chooses."""


def marked(mark: int) -> Input:
    """An input in which the context's mark is ``mark``."""
    return Input(bytes(64), bytes(8) + mark.to_bytes(4, "little"))


def program(source: str, *marks: int, maps: tuple[MapSpec, ...] = (), name: str = "") -> Generated:
    """A privileged socket filter from assembly, with an input per mark."""
    insns = parse(line.strip() for line in source.strip().splitlines())
    case = Case(Program(ProgramType.SOCKET_FILTER, insns, maps), tuple(map(marked, marks)), name=name)
    return Generated(case, Purpose.VALID)


def log_of(body: str) -> str:
    """A log from its walk, which may be indented."""
    return "func#0 @0\n" + "\n".join(line.strip() for line in body.strip().splitlines()) + "\n" + PROCESSED


def honest_runs(case: Case) -> tuple[RunResult, ...]:
    """What every engine of a right kernel gives."""
    runs = []
    for data in case.inputs:
        outcome = run(case, data, limit=STEP_LIMIT)
        assert isinstance(outcome, Returned), outcome
        runs.append(RunResult(0, outcome.r0 & 0xFFFF_FFFF, outcome.packet, b"", outcome.maps))
    return tuple(runs)


def seen(generated: Generated, log: str, budget: Budget | None = None) -> Observation:
    """Accepted with this log; all engines right.  ``budget``: what the reference verifier may spend."""
    runs = honest_runs(generated.case)
    attempts = tuple(
        Loaded(
            0, log if attempt.log_level else "", jited_length=0 if attempt.jit is Jit.OFF else 64, runs=runs
        )
        for attempt in Attempts.ALL.value
    )
    return observe(generated, KernelAnswer(attempts), budget=budget)
