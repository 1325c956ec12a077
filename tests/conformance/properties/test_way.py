"""The way of a run, straight: its program does what the run did, and one that reads illegally is refused for
it."""

from __future__ import annotations

import pytest

from conformance.kernel.jobs import KernelAnswer
from conformance.properties.claims import Holding
from conformance.properties.way import ILLEGAL, to_branch, to_claim
from ebpf import casefile
from ebpf.isa.insn import Insn
from oracles.interpreter import Returned, Trapped, run
from reports.records import Holds, Refuses, Untellable
from tests.lying import small
from tests.lying.asking import observe

SOURCE = """
    r6 = *(u32 *)(r1 +8)
    *(u64 *)(r10 -16) = r6
    if r6 > 0x20 goto pc+2
    r6 += 7
    goto pc-3
    r6 &= 255
    r0 = 0
    exit
"""
"""R6 grows by 7 from the input's mark until it is above 32."""


def claimed(mark: int, at: int, holding: Holding | None, visit: int = 0) -> object:
    """What a right kernel does, where the claim after an instruction's visit is wrong."""
    seen = observe(small.program(SOURCE, mark, maps=(small.OUT,)), KernelAnswer(()))
    trace = seen.runs[0][1]
    last = [n for n, step in enumerate(trace) if step.at == at][visit]
    return to_claim(seen, 0, trace, last, holding)


@pytest.mark.parametrize(("visit", "value"), [(0, 12), (3, 33)])
def test_the_program_stores_what_the_run_holds(visit: int, value: int) -> None:
    right = claimed(5, 3, Holding(value, 6), visit)
    assert isinstance(right, Holds)
    assert [(each.register, each.value) for each in right.stored] == [(6, value)]
    case = casefile.from_plain(right.case)
    assert right.claimed is not None
    assert (
        case.program.instructions[right.claimed].opcode,
        case.program.instructions[right.claimed].src,
    ) == (0x7B, 6)
    outcome = run(case, case.inputs[0], limit=100)
    assert isinstance(outcome, Returned)
    assert outcome.maps[-1] == ((bytes(4), value.to_bytes(8, "little") + (1).to_bytes(8, "little")),)


def test_the_stack_is_read_as_wide_as_the_claim() -> None:
    right = claimed(5, 1, Holding(5, None, -16, 4))
    assert isinstance(right, Holds)
    assert Insn(0x61, 2, 10, -16) in casefile.from_plain(right.case).program.instructions


@pytest.mark.parametrize("value", [12, 0x1_0000_000C, 0xFFFF_FFFF_FFFF_FFF4])
def test_the_illegal_read_is_reached_with_that_value_only(value: int) -> None:
    right = claimed(5, 3, Holding(value, 6))
    assert isinstance(right, Holds)
    assert right.refused is not None
    assert right.refused.case is not None
    case = casefile.from_plain(right.refused.case)
    outcome = run(case, case.inputs[0], limit=100)
    assert isinstance(outcome, Trapped if value == 12 else Returned)
    assert ILLEGAL in case.program.instructions


def test_what_holds_nothing_may_not_be_stored() -> None:
    assert isinstance(claimed(5, 3, Holding(None, 6)), Refuses)


def test_other_claims_cannot_be_told() -> None:
    assert isinstance(claimed(5, 3, None), Untellable)


@pytest.mark.parametrize(("mark", "visit"), [(5, 0), (40, 0), (5, 4)])
def test_a_branch_is_taken_where_the_run_takes_it(mark: int, visit: int) -> None:
    seen = observe(small.program(SOURCE, mark, maps=(small.OUT,)), KernelAnswer(()))
    trace = seen.runs[0][1]
    last = [n for n, step in enumerate(trace) if step.at == 2][visit]
    right = to_branch(seen, 0, trace, last)
    assert isinstance(right, Holds)
    assert right.claimed is None
    case = casefile.from_plain(right.case)
    outcome = run(case, case.inputs[0], limit=100)
    assert isinstance(outcome, Returned)
    held = (mark + 7 * visit).to_bytes(8, "little") + (1).to_bytes(8, "little")
    assert outcome.maps[-1] == ((bytes(4), held),)
    assert right.refused is not None
    refused = casefile.from_plain(right.refused.case)
    assert isinstance(run(refused, refused.inputs[0], limit=100), Trapped)


def test_a_subprogram_is_no_way() -> None:
    source = "r1 = 1\ncall pc+1\nexit\nr0 = 1\nexit"
    seen = observe(small.program(source, 5), KernelAnswer(()))
    right = to_claim(seen, 0, seen.runs[0][1], 2, Holding(1, 0))
    assert right == Untellable("the way leads through a subprogram")
