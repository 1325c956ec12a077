"""The instruction to blame, by itself: a program that needs no input and returns what it gave in the run."""

from __future__ import annotations

import pytest

from conformance.kernel.jobs import KernelAnswer
from conformance.properties.execution import alone
from ebpf import casefile
from oracles.interpreter import Returned, run
from tests.lying import small
from tests.lying.asking import observe


@pytest.mark.parametrize(
    ("source", "at", "value"),
    [
        ("r6 = *(u32 *)(r1 +8)\nw6 s>>= 4\nr0 = r6\nexit", 1, 0xF8000000),
        ("r6 = 5\nr6 = *(u32 *)(r1 +8)\nr6 <<= 20\nr0 = r6\nexit", 2, 0x00080000),
        ("w6 = -1\nr0 = r6\nexit", 0, 0xFFFFFFFF),
        ("r0 = *(u32 *)(r1 +8)\nr1 = 3\nr0 *= r1\nexit", 2, 0x80000001),
    ],
)
def test_the_culprit_alone_returns_what_it_returned(source: str, at: int, value: int) -> None:
    """Its result's halves, one xor the other."""
    seen = observe(small.program("r9 = 0\n" + source, 0x80000000), KernelAnswer(()))
    made = alone(seen, 0, at + 1)
    assert made is not None
    case = casefile.from_plain(made.case)
    outcome = run(case, case.inputs[0], limit=20)
    assert isinstance(outcome, Returned)
    assert (outcome.r0 & 0xFFFF_FFFF, made.value) == (value, value)


@pytest.mark.parametrize(
    ("source", "at"),
    [("r6 = *(u32 *)(r1 +8)\nr0 = 0\nexit", 0), ("r6 = r10\nr6 += 8\nr0 = 0\nexit", 1), ("r6 = 0\nr6 += 1\nif r6 < 0x3 goto pc-2\nr0 = 0\nexit", 1)],
    ids=["a load", "a pointer", "a loop"],
)  # fmt: skip
def test_what_needs_more_than_numbers_is_not_alone(source: str, at: int) -> None:
    seen = observe(small.program("r9 = 0\n" + source, 5), KernelAnswer(()))
    assert alone(seen, 0, at + 1) is None
