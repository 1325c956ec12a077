"""Answers, budgets, and the tightest ranges."""

from __future__ import annotations

import pytest
import z3

from ebpf.domains import ScalarRange, Tnum
from oracles.paths import Nothing, solve, symbols
from oracles.paths.solver import BUDGET
from oracles.paths.tightest import tightest
from oracles.terms.term import z

X, Y = z(symbols(8)[0]), z(symbols(8)[1])
HARD = [
    z3.BitVecVal(0xFFFF_FFFF_FFFF_FFC5, 64) == X * Y,
    z3.UGT(X, 1),
    z3.UGT(Y, 1),
    z3.ULT(X, 1 << 32),
    z3.ULT(Y, 1 << 32),
]
"""The largest 64-bit prime has no such factors."""


def test_an_answer_is_an_input() -> None:
    found = solve([X == 7, z3.UGT(Y, X)], symbols(8), BUDGET)
    assert not isinstance(found, Nothing)
    assert found[0] == 7
    assert found[1] > 7
    assert len(found) == 8


def test_no_input_and_not_known_are_told_apart() -> None:
    assert solve([z3.ULT(X, 5), z3.UGT(X, 5)], symbols(8), BUDGET) is Nothing.NONE
    assert solve([True, False], symbols(8), BUDGET) is Nothing.NONE
    assert solve(HARD, symbols(8), budget=20_000) is Nothing.UNKNOWN


def test_the_same_question_has_the_same_answer() -> None:
    question = [X * Y == 391, z3.UGT(X, 1), z3.ULT(X, 99), z3.UGT(Y, 1)]
    assert len({str(solve(question, symbols(8), 10_000_000)) for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("conditions", "term", "claim", "expected"),
    [
        (
            [z3.ULE(X, 10)],
            X * 3,
            ScalarRange(umax=31, smin=0, smax=31, umax32=31, smin32=0, smax32=31, tnum=Tnum(0, 31)),
            ScalarRange(0, 30, 0, 30, 0, 30, 0, 30, Tnum(0, 31)),
        ),
        (
            [X > -7, X < 5],
            X,
            ScalarRange(smin=-10, smax=6),
            ScalarRange(smin=-6, smax=4, smin32=-6, smax32=4),
        ),
        (
            [],
            X & 0xF0 | 1,
            ScalarRange(1, 0xFF, 1, 0xFF, 1, 0xFF, 1, 0xFF, Tnum(1, 0xFE)),
            ScalarRange(1, 0xF1, 1, 0xF1, 1, 0xF1, 1, 0xF1, Tnum(1, 0xF0)),
        ),
        ([], X, ScalarRange(), ScalarRange()),
    ],
)
def test_the_tightest_range(
    conditions: list[z3.BoolRef], term: z3.BitVecRef, claim: ScalarRange, expected: ScalarRange
) -> None:
    """Ends may be off by a sixteenth of the width."""
    found = tightest(conditions, term, claim)
    assert found is not None
    assert found.tnum == expected.tnum
    for low, high in (("umin", "umax"), ("smin", "smax"), ("umin32", "umax32"), ("smin32", "smax32")):
        slack = (getattr(expected, high) - getattr(expected, low)) // 16
        assert 0 <= getattr(found, low) - getattr(expected, low) <= slack
        assert 0 <= getattr(expected, high) - getattr(found, high) <= slack


def test_nothing_is_measured_where_no_input_goes_or_z3_does_not_know() -> None:
    assert tightest([z3.ULT(X, 5), z3.UGT(X, 5)], X, ScalarRange()) is None
    assert tightest(HARD, X * Y, ScalarRange()) is None


def test_a_constant_is_as_tight_as_can_be() -> None:
    assert tightest([], 5, ScalarRange(umax=10)) == ScalarRange.constant(5)
