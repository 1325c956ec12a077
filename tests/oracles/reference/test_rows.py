"""The reference verifier on one program per rule and its neighbour that just keeps it."""

from __future__ import annotations

import pytest

from conformance.observing.opinions import THOROUGH, by_intervals, opinion
from oracles.interpreter import Trapped, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import ReferenceVerdict
from tests.oracles.reference import (
    rows_accesses,
    rows_calls,
    rows_edges,
    rows_kernel_functions,
    rows_kernel_pointers,
    rows_memory,
    rows_objects,
    rows_places,
    rows_regions,
    rows_worlds,
)
from tests.oracles.reference.rows import Row, said

ROWS = (
    *rows_accesses.ROWS,
    *rows_calls.ROWS,
    *rows_edges.ROWS,
    *rows_kernel_functions.ROWS,
    *rows_kernel_pointers.ROWS,
    *rows_memory.ROWS,
    *rows_objects.ROWS,
    *rows_places.ROWS,
    *rows_regions.ROWS,
    *rows_worlds.ROWS,
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_all_that_is_said(row: Row) -> None:
    answer = opinion(row.case(), THOROUGH)
    assert said(answer) == row.says
    if answer.witness is not None:
        outcome = run(answer.witness, answer.witness.inputs[0], limit=STEP_LIMIT)
        assert isinstance(outcome, Trapped)
        assert outcome.at == answer.at


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_intervals_prove_is_safe(row: Row) -> None:
    if by_intervals(row.case(), THOROUGH).verdict is ReferenceVerdict.SAFE:
        assert row.says.startswith("safe")
