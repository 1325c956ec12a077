"""What rounds leave to each other settles, whatever the dice say."""

from __future__ import annotations

import pytest

from ebpf.isa.build import R0 as RESULT
from ebpf.isa.build import R1, R2, leave, mov64
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from generators.dice import Dice
from generators.mutations import mutate
from generators.settling import change
from generators.weakening import weaken
from oracles.interpreter import Returned, run

FEW = 16
"""Rounds in which a word that grows by 1 must stop growing."""


def _after(word: int, by: int, number: int, wide: bool) -> int:
    """What a round makes of the word."""
    body = change(Dice(number), R2, R1, wide=wide).listing()
    code = (mov64(R1, by), mov64(R2, word), *body, mov64(RESULT, R2), leave())
    outcome = run(Case(Program(ProgramType.SOCKET_FILTER, code)), Input(), limit=100)
    assert isinstance(outcome, Returned)
    assert isinstance(outcome.r0, int)
    return outcome.r0


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("number", range(20))
def test_a_word_settles(number: int, wide: bool) -> None:
    reached, rounds = {1}, 0
    while (
        more := {_after(word, by, number, wide) for word in reached if word < 1 << 31 for by in (0, 1)}
        - reached
    ):
        reached |= more
        rounds += 1
        assert rounds <= FEW


def test_some_words_grow() -> None:
    assert {_after(1, 1, number, True) for number in range(20)} >= {0, 1, 2}


@pytest.mark.parametrize("number", range(40))
def test_what_is_changed_at_random_keeps_the_limits(number: int) -> None:
    body = next(listing for seed in range(20) if len(listing := change(Dice(seed), R2, R1).listing()) == 2)
    kept = (mov64(R1, 1), mov64(R2, 1), *body, mov64(RESULT, R2), leave())
    mutated = mutate(kept, Dice(number * 7919 + 13))
    weakened = weaken(Program(ProgramType.SOCKET_FILTER, kept), Dice(number * 104729 + 7), states=True)
    for insns in (mutated, weakened.instructions):
        assert any((each.opcode, each.dst, each.imm) == (body[0].opcode, 2, body[0].imm) for each in insns)
