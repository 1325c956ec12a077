"""Experiments: every operation is reached, each is shown, all run to their end, and the same integers make
the same program."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ebpf.isa import opcodes as o
from ebpf.isa.table import form_of
from generators.experiments import MAX_EXPERIMENTS, WIDTH, build
from generators.experiments.bench import OUTPUT
from generators.experiments.operations import ARITHMETIC, COMPARISONS
from generators.profiles import Profile
from generators.programs import Generated, Purpose
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT

NEW = Profile(linux=(7, 3), inputs=3)
OLD = Profile(linux=(5, 10), inputs=1)


def draws(count: int, profile: Profile = NEW, seed: int = 1) -> list[Generated]:
    rng = random.Random(seed)
    seeds = [[rng.getrandbits(WIDTH) for _ in range(1 + number % MAX_EXPERIMENTS)] for number in range(count)]
    return [build(rng.getrandbits(64), each, profile) for each in seeds]


def test_every_operation_is_reached_and_shown() -> None:
    """The instruction before a store to the output map."""
    reached: Counter[str] = Counter()
    for made in draws(1500):
        insns = made.case.program.instructions
        for at, insn in enumerate(insns[1:]):
            if insn.opcode == o.STX | o.MEM | o.DW and insn.dst == OUTPUT and insns[at].dst == insn.src:
                reached[form_of(insns[at]).name] += 1
    missing = {form.name for form in (*ARITHMETIC, *COMPARISONS)} - set(reached)
    assert not missing
    assert {"ldx8", "ldx16", "ldx32", "ldx64", "ldsx8", "ldsx16", "ldsx32"} <= set(reached)


def test_every_run_ends() -> None:
    codes: Counter[int] = Counter()
    for made in draws(300):
        assert made.purpose is Purpose.VALID
        for data in made.case.inputs:
            outcome = run(made.case, data, limit=STEP_LIMIT)
            assert isinstance(outcome, Returned), outcome
            assert outcome.predictable
            codes[outcome.r0] += 1
    assert set(codes) == {0, 1, 2}


def test_programs_are_short_and_many() -> None:
    made = draws(400)
    assert max(len(each.case.program.instructions) for each in made) < 128
    assert len({each.case.program.instructions for each in made}) > 395
    assert {len(each.productions) for each in made} == set(range(1, MAX_EXPERIMENTS + 1))
    assert 40 < sum(each.case.capabilities == () for each in made) < 200


def test_the_same_integers_make_the_same_program() -> None:
    assert draws(20) == draws(20)


def test_nothing_but_zeros_is_a_program_too() -> None:
    assert build(0, [0], NEW).productions == ("experiment-arithmetic",)


def test_old_kernels_get_what_they_know() -> None:
    for made in draws(400, OLD):
        for at, insn in enumerate(made.case.program.instructions):
            assert insn.opcode == 0 or OLD.knows(form_of(insn, at).since), insn


@pytest.mark.parametrize("experiments_in", [0, 1, 4])
def test_the_profile_says_how_many(experiments_in: int) -> None:
    from generators.recipes import draw

    profile = Profile(experiments_in=experiments_in)
    made = [draw(random.Random(number), profile).make() for number in range(80)]
    share = sum("experiment" in each.productions[0] for each in made) / 80
    assert {0: share == 0, 1: share == 1, 4: 0.1 < share < 0.45}[experiments_in]
