"""Generators reach what they claim: every production, every near miss, every form of the instruction set they
know."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from ebpf.isa.build import R0, R7, add64, leave, mov64
from ebpf.isa.table import FORMS, form_of
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.rules import FALLS_OFF, RETURN_RANGE
from generators.builder import Builder
from generators.choices import PRODUCTIONS
from generators.near_misses import NEAR_MISSES
from generators.nesting import count_production, open_loop
from generators.profiles import Profile
from generators.programs import Generated, Purpose
from generators.scopes import LoopShape
from generators.settings import SETTINGS
from oracles.interpreter import Returned, Step, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.generators.drawing import MIXED, NEAR, VALID, draws


@cache
def mixed() -> tuple[Generated, ...]:
    return tuple(draws(900, MIXED))


def forms(generated: Generated) -> set[str]:
    insns = generated.case.program.instructions
    return {form_of(insn).name for at, insn in enumerate(insns) if not (at and insns[at - 1].opcode == 0x18)}


NEWER = {"jump-table"}
"""Productions of what no kernel had yet for which these are made."""


def test_every_production() -> None:
    used = Counter(name for generated in mixed() for name in generated.productions)
    assert used.keys() == {production.name for production in PRODUCTIONS} - NEWER
    assert min(used.values()) >= 30, used


def test_every_near_miss() -> None:
    broken = Counter(generated.rule for generated in draws(5000, replace(NEAR, inputs=1)))
    sleepable = tuple(each for each in SETTINGS if each.type is ProgramType.SYSCALL)
    broken.update(generated.rule for generated in draws(600, replace(NEAR, settings=sleepable), seed=2))
    assert broken.keys() - {None} == {miss.rule for miss in NEAR_MISSES} | {FALLS_OFF, RETURN_RANGE}
    assert broken[None] < 140
    assert len(broken) > 58


def test_every_form_of_the_newest_kernel() -> None:
    """Of what Linux 7.3 has, only what the productions leave out on purpose is missing."""
    newest = replace(VALID, linux=(7, 3))
    seen = set().union(*[forms(generated) for generated in draws(900, newest)])
    absent = {form.name for form in FORMS} - seen
    assert {name for name in absent if not name.startswith(BEYOND)} <= PACKET_LOADS


PACKET_LOADS = {f"ld{kind}{bits}" for kind in ("abs", "ind") for bits in (8, 16, 32)}
"""Rare: all six are seen in some thousand programs."""
BEYOND = ("callx", "call_kfunc")


@pytest.mark.parametrize("shape", LoopShape)
def test_every_shape_of_loop_ends_after_its_rounds(shape: LoopShape) -> None:
    b = Builder(ProgramType.SOCKET_FILTER, Profile(linux=(7, 3)), True)
    b.emit(mov64(R0, 0))
    open_loop(b, R7, 1, 5, shape)
    b.emit(add64(R0, 3))
    count_production(b)
    assert b.open == []
    assert b.state.pinned == frozenset()
    b.emit(leave())
    outcome = run(Case(Program(b.type, tuple(b.insns))), Input(), limit=STEP_LIMIT)
    assert isinstance(outcome, Returned)
    assert outcome.r0 == 15


def test_functions_call_functions() -> None:
    deepest = 0
    for generated in draws(300, VALID):
        trace: list[Step] = []
        run(generated.case, generated.case.inputs[0], trace=trace, limit=STEP_LIMIT)
        deepest = max(deepest, *(step.depth for step in trace), 0)
    assert deepest >= 4


def test_the_mixture() -> None:
    purposes = Counter(generated.purpose for generated in mixed())
    kinds = Counter(generated.case.program.type for generated in mixed())
    unprivileged = sum(generated.case.capabilities == () for generated in mixed())
    assert purposes[Purpose.VALID] / 700 > 0.4
    assert purposes[Purpose.NEAR_MISS] / 700 > 0.2
    assert purposes[Purpose.DARING] / 700 > 0.1
    assert unprivileged / 700 > 0.2
    assert min(kinds[ProgramType.XDP], kinds[ProgramType.SOCKET_FILTER]) > 80
    assert kinds.keys() == {setting.type for setting in SETTINGS}


def test_programs_differ() -> None:
    assert len({generated.case.program.instructions for generated in mixed()}) == 900
    lengths = sorted(len(generated.case.program.instructions) for generated in mixed())
    assert lengths[350] >= 40
    assert lengths[-1] <= 1000
