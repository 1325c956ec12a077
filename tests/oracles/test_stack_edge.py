"""Both oracles name a place outside the stack as the kernel does: from the frame pointer down."""

from __future__ import annotations

import pytest

from conformance.observing.opinions import THOROUGH, opinion
from ebpf.assembly import parse
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.interpreter import Trapped, run
from oracles.interpreter.runs import STEP_LIMIT


@pytest.mark.parametrize(
    ("store", "place"),
    [("*(u64 *)(r10 -520) = 0", "8 bytes at fp-520"), ("*(u32 *)(r10 -2) = 0", "4 bytes at fp-2")],
)
def test_below_and_above(store: str, place: str) -> None:
    case = Case(Program(ProgramType.SOCKET_FILTER, parse([store, "r0 = 0", "exit"])))
    outcome = run(case, case.inputs[0], limit=STEP_LIMIT)
    assert isinstance(outcome, Trapped)
    assert outcome.detail == f"{place}, of a stack from fp-512 to fp-1"
    answer = opinion(case, THOROUGH)
    assert (answer.at, answer.detail) == (0, place)
