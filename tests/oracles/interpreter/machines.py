"""Programs in a line of assembly, run."""

from __future__ import annotations

from typing import Any

from ebpf.assembly import parse
from ebpf.maps import MapSpec
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from oracles.interpreter import Outcome, Step, run


def program(
    text: str, *maps: MapSpec, type: ProgramType = ProgramType.SOCKET_FILTER, privileged: bool = True
) -> Case:
    """A case; instructions are separated by ``; ``."""
    return Case(Program(type, parse(text.split("; ")), maps), capabilities=None if privileged else ())


def outcome(text: str, *maps: MapSpec, data: Input | None = None, limit: int = 1000, **how: Any) -> Outcome:
    """What one run gives."""
    return run(program(text, *maps, **how), data or Input(bytes(64)), limit=limit)


def traced(text: str, *maps: MapSpec, **how: Any) -> list[Step]:
    """The steps of one run."""
    steps: list[Step] = []
    run(program(text, *maps, **how), Input(bytes(64)), trace=steps, limit=1000)
    return steps
