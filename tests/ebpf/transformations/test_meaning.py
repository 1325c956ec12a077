"""What is transformed does what it did: on the interpreter, for generated programs of all sorts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from ebpf import rules
from ebpf.isa.insn import encode
from ebpf.program import Case, LoadFlag
from ebpf.transformations import TRANSFORMATIONS, Transformation
from generators.profiles import Profile
from oracles.interpreter import Outcome, Returned, Trapped, run
from tests.generators.drawing import draws

LIMIT = 40_000
FEWEST = 12
"""Runs that a transformation must have been tried on."""
FEW = {"inlined function": 3, "outlined instruction": 6}
"""But these."""
BY_NAME = {each.name: each for each in TRANSFORMATIONS}


@cache
def drawn() -> tuple[Case, ...]:
    """Valid programs, near misses and daring ones, of all types."""
    return tuple(made.case for made in draws(260, Profile(linux=(7, 3), inputs=2), seed=23))


def left(outcome: Outcome) -> object:
    """What a run leaves, or that it traps; None where nobody can tell."""
    if isinstance(outcome, Returned):
        return (outcome.r0, outcome.maps, outcome.packet) if outcome.predictable else None
    return "trapped" if isinstance(outcome, Trapped) and outcome.predictable else None


@pytest.mark.parametrize("transformation", TRANSFORMATIONS, ids=lambda each: each.name.replace(" ", "-"))
def test_the_interpreter_tells_no_difference(transformation: Transformation) -> None:
    tried = 0
    for case in drawn():
        other = transformation.apply(case)
        if other is None:
            continue
        assert other != case
        assert bare(other) == bare(case)
        encode(other.program.instructions)
        assert len(other.program.kfuncs) == len(case.program.kfuncs)
        assert all(other.program.instructions[slot].names_kernel for slot, _ in other.program.kfuncs)
        for data in case.inputs:
            outcome = run(case, data, limit=LIMIT)
            if isinstance(outcome, Trapped) and outcome.rule == rules.CALL_DEPTH:
                continue  # what is inlined takes no frame
            expected = left(outcome)
            # The unprivileged are forbidden more than others.
            if expected is not None and (expected != "trapped" or other.capabilities == case.capabilities):
                assert left(run(other, data, limit=LIMIT)) == expected
                tried += 1
    assert tried >= FEW.get(transformation.name, FEWEST)


def bare(case: Case) -> object:
    """All that only a transformation of loading may change, left out with the instructions."""
    program = replace(case.program, flags=case.program.flags & ~LoadFlag.TEST_STATE_FREQ)
    return replace(program, instructions=(), kfuncs=(), func_info=None), case.inputs
