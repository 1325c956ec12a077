"""The walk's points, and the distance of a claim from the tightest one."""

from __future__ import annotations

from math import log2

import pytest

from conformance.observing.observation import Observation
from conformance.properties.transfer.inputs import WORDS, header, input_of, words_of
from conformance.properties.transfer.points import Claimed, Unexplored, WalkEnd
from conformance.properties.transfer.precision import excess
from conformance.properties.transfer.walk import walk
from ebpf.byte_order import ByteOrder
from ebpf.program_types import ProgramType
from oracles.paths import symbols
from tests.lying.test_transfer import EXPERIMENTS, RIGHT, experiment, masked


def points(seen: Observation, *words: int) -> list[Claimed | Unexplored | WalkEnd]:
    assert seen.exploration is not None
    return list(
        walk(
            seen.exploration,
            (*words, *([0] * (WORDS - len(words)))) if words else symbols(WORDS),
            ByteOrder.LITTLE,
        )
    )


def after(seen: Observation, at: int) -> Claimed:
    return next(point for point in points(seen) if isinstance(point, Claimed) and point.at == at)


def test_a_number_takes_one_path_and_a_symbol_all() -> None:
    body = "r1 = *(u64 *)(r10 -64)\n if r1 > 0x5 goto pc+1\n *(u64 *)(r9 +0) = r1"
    walked = """8: (79) r1 = *(u64 *)(r10 -64) ; R1=scalar()
        9: (25) if r1 > 0x5 goto pc+1 ; R1=scalar(smin=smin32=0,smax=umax=smax32=umax32=5,var_off=(0x0; 0x7))
        10: (7b) *(u64 *)(r9 +0) = r1 ; R1=1"""
    seen = experiment(body, walked)
    assert [
        point.at for point in points(seen, 1) if isinstance(point, Claimed) and point.holds is False
    ] == []
    assert [point.at for point in points(seen, 3) if isinstance(point, Claimed) and point.holds is False] == [
        10
    ]
    assert isinstance(points(seen, 6)[-1], Unexplored)
    assert {point.at for point in points(seen) if isinstance(point, Claimed) and point.conditions} == {
        9,
        10,
        11,
    }


@pytest.mark.parametrize(
    ("claim", "bits"),
    [
        (RIGHT, (0, 0, 0, 0, 0)),
        ("scalar()", (64 - log2(13), 64 - log2(13), 32 - log2(13), 32 - log2(13), 62)),
        ("scalar(smin=smin32=0,smax=umax=smax32=umax32=25,var_off=(0x0; 0x1c))", (1, 1, 1, 1, 1)),
    ],
)
def test_excess(claim: str, bits: tuple[float, ...]) -> None:
    """Of 0, 4, 8 and 12: thirteen numbers wide, two unknown bits."""
    seen = masked(claim)
    found = excess(seen, after(seen, 9))
    assert found is not None
    assert dict(found) == pytest.approx(
        dict(zip(("u64", "s64", "u32", "s32", "tnum"), bits, strict=True)), abs=0.01
    )


def test_only_what_an_experiment_is_about_is_measured() -> None:
    seen = masked(RIGHT)
    assert excess(seen, after(seen, 8)) is None
    assert excess(seen, after(seen, 3)) is None


def test_the_recorded_experiments_are_walked_to_their_ends() -> None:
    lost = [point for record in EXPERIMENTS for point in points(record.seen()) if isinstance(point, WalkEnd)]
    assert len(lost) <= len(EXPERIMENTS) // 8, lost


def test_words_and_packets() -> None:
    skipped = header(ProgramType.SOCKET_FILTER)
    assert skipped is not None
    words = tuple(range(1, WORDS + 1))
    assert words_of(input_of(words, skipped, ByteOrder.LITTLE), skipped, ByteOrder.LITTLE) == words
    assert words_of(input_of(words[:-1], skipped, ByteOrder.LITTLE), skipped, ByteOrder.LITTLE) is None
    assert header(ProgramType.XDP) is None
