"""A claim as a formula holds for exactly the values that the claim contains."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
import z3

from ebpf.domains import ScalarRange, Tnum
from ebpf.domains.limits import S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, U64_MAX, signed32, signed64
from generators.constants import BOUNDARIES
from oracles.claims import as_formula
from oracles.terms.term import b, symbol

X = symbol("x")


def around(value: int, rng: random.Random) -> ScalarRange:
    """Bounds at or near ``value``, some of them missing; now and then a contradiction."""

    def end(at: int, low: int, high: int, sign: int) -> int:
        return min(
            high, max(low, at + sign * rng.choice((0, 0, 1, 7, 1 << 20)) - (not rng.randrange(16)) * sign)
        )

    mask = rng.choice((U64_MAX, 0xFF, 0xFFFF_FFFF, rng.getrandbits(64), 0))
    views = []
    wide = ((value, 0, U64_MAX), (signed64(value), S64_MIN, S64_MAX))
    for at, low, high in (*wide, (value & U32_MAX, 0, U32_MAX), (signed32(value), S32_MIN, S32_MAX)):
        views += [
            end(at, low, high, -1) if rng.randrange(2) else low,
            end(at, low, high, 1) if rng.randrange(2) else high,
        ]
    return ScalarRange(*views, tnum=Tnum(value & ~mask, mask))  # type: ignore[arg-type,misc]  # eight bounds


def cases() -> Iterator[tuple[ScalarRange, int]]:
    rng = random.Random(1)
    for _ in range(400):
        value = rng.choice(BOUNDARIES) if rng.randrange(2) else rng.getrandbits(64)
        claim = around(value, rng)
        ends = (
            claim.umin,
            claim.umax,
            claim.smin & U64_MAX,
            claim.smax & U64_MAX,
            claim.umax32,
            claim.smin32 & U64_MAX,
        )
        for tried in (value, rng.choice(BOUNDARIES), rng.getrandbits(64), *ends):
            for near in (tried - 1, tried, tried + 1):
                yield claim, near & U64_MAX


def test_as_formula_is_contains() -> None:
    held = [0, 0]
    for claim, value in cases():
        formula = b(as_formula(claim, X))
        holds = z3.is_true(z3.simplify(z3.substitute(formula, (X, z3.BitVecVal(value, 64)))))
        assert holds == claim.contains(value), (claim, hex(value))
        assert as_formula(claim, value) is holds
        held[holds] += 1
    assert min(held) > 1000, held


@pytest.mark.parametrize(
    "bound", ["umin=1", "umax=1", "smin=-1", "smax=1", "umin32=1", "umax32=1", "smin32=-1", "smax32=1"]
)
def test_each_bound_alone(bound: str) -> None:
    name, end = bound.split("=")
    claim = replace(ScalarRange(), **{name: int(end)})  # type: ignore[arg-type]  # of a bound
    solver = z3.Solver()
    solver.add(b(as_formula(claim, X)))
    assert solver.check() == z3.sat
    solver.add(z3.BitVecVal(int(end) + (-1 if "min" in name else 1), 64) == X)
    assert solver.check() == z3.unsat


def test_a_claim_of_nothing_is_no_condition() -> None:
    assert as_formula(ScalarRange.unknown(), X) is True
