"""Near misses with functions that kernels take under conditions only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.observing.opinions import THOROUGH, opinion
from ebpf import rules
from ebpf.btf.functions import function_starts
from ebpf.isa.build import R0, R1, R2, R6, leave, mov64
from ebpf.program import Case
from ebpf.program_types import ProgramType
from ebpf.rules import Rule
from generators.builder import Builder
from generators.dice import Dice
from generators.function_types import function_types
from generators.near_misses.tail_calls import untyped_function
from generators.profiles import Profile
from generators.programs import Generated
from generators.scopes import StaticFunction
from tests.generators.drawing import draws

PROFILE = Profile(linux=(7, 3), near_misses_in=1, daring_in=0, unprivileged_in=0, inputs=1)


@pytest.fixture(scope="module")
def drawn() -> list[Generated]:
    """Near misses of many kinds."""
    return list(draws(3000, PROFILE, seed=21))


def _broken(case: Case) -> set[Rule]:
    return {broken.rule for broken in opinion(case, THOROUGH).refused_by(PROFILE.linux)}


@pytest.mark.parametrize("rule", [rules.TAIL_CALL_STACK, rules.UNTYPED_FUNCTION])
def test_the_rule_is_broken(drawn: list[Generated], rule: Rule) -> None:
    made = [each for each in drawn if each.rule == rule]
    opinions = [(each.at, opinion(each.case, THOROUGH)) for each in made]
    reached = [answer for at, answer in opinions if at in answer.visited]
    assert len(reached) >= 3
    for answer in reached:
        # Of all kernels but those that may count less stack (a call that spills nothing: since 6.12).
        assert rule in {broken.rule for broken in answer.policy}


def test_with_types_nothing_is_broken(drawn: list[Generated]) -> None:
    made = next(each for each in drawn if each.rule == rules.UNTYPED_FUNCTION)
    program = made.case.program
    btf, info = function_types(function_starts(program.instructions), objects=False)
    typed = replace(made.case, program=replace(program, btf=btf, func_info=info))
    assert _broken(typed) == set()


@pytest.mark.parametrize("types", [False, True])
def test_a_program_with_a_callback_does_not_lack_them(types: bool) -> None:
    b = Builder(ProgramType.SOCKET_FILTER, PROFILE, True)
    b.emit(mov64(R6, R1))
    if types:
        b.load_callback(R2, StaticFunction((mov64(R0, 0), leave())))
    assert (untyped_function(b, Dice(0)) is None) == types
