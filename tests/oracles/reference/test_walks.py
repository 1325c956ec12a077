"""Paths instruction by instruction: where each step was, how deep, what the registers then held."""

from __future__ import annotations

from conformance.observing.opinions import THOROUGH
from ebpf.assembly import parse
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.reference import ReferenceVerdict
from oracles.reference.answer import ReferenceAnswer
from oracles.reference.state import SymbolicState, Walked
from oracles.reference.verify import explore, final_states, walked


def _case(text: str) -> Case:
    return Case(Program(ProgramType.SCHED_CLS, parse(text.split("; "))))


def walks(case: Case) -> tuple[ReferenceAnswer, list[tuple[SymbolicState, list[Walked]]]]:
    search = explore(case, lambda case, rule, at: False, THOROUGH)
    return search.answer, [(state, walked(state)) for state in search.walks]


def test_steps_come_in_order_with_their_frames() -> None:
    answer, ((state, steps),) = walks(_case("r0 = 5; call pc+1; exit; r0 = 7; exit"))
    assert answer.verdict is ReferenceVerdict.SAFE
    assert [(step.frame, step.at, step.depth) for step in steps] == [
        (0, 0, 0),
        (0, 1, 1),
        (1, 3, 1),
        (1, 4, 0),
        (0, 2, 0),
    ]
    assert steps[0].registers[0] == 5
    assert [step.registers[0] for step in steps[2:]] == [7, 7, 7]
    assert state.pc == 2


def test_every_path_has_its_own() -> None:
    answer, found = walks(_case("r2 = *(u32 *)(r1 +8); r0 = 1; if r2 == 3 goto pc+1; r0 = 2; exit"))
    assert answer.verdict is ReferenceVerdict.SAFE
    assert sorted([step.at for step in steps] for _, steps in found) == [[0, 1, 2, 3, 4], [0, 1, 2, 4]]
    assert {steps[-1].registers[0] for _, steps in found} == {1, 2}
    assert all(steps[-1].assumed is not None and steps[0].happened is not None for _, steps in found)


def test_final_states_are_those_of_paths_that_return() -> None:
    answer, states = final_states(
        _case("r2 = *(u32 *)(r1 +8); r0 = 1; if r2 == 3 goto pc+1; r0 = *(u8 *)(r9 +0); exit"), THOROUGH
    )
    assert answer.verdict is ReferenceVerdict.UNKNOWN
    assert [state.registers[0] for state in states] == [1]
