"""Both oracles on a big-endian machine: what a program finds in memory, and what it leaves there."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from conformance.observing.opinions import QUICK, opinion
from ebpf.assembly import parse
from ebpf.byte_order import ByteOrder
from ebpf.isa.build import R1, load_map_value
from ebpf.machine import TargetMachine
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from generators.profiles import Profile
from generators.programs import Purpose
from generators.recipes import draw
from oracles.interpreter import Returned, Trapped, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import ReferenceVerdict

BIG = TargetMachine(ByteOrder.BIG)
CONTENT = bytes(range(0x81, 0x91))
ROWS = {
    "a word": ("r0 = *(u64 *)(r1 +0)", 0x8182838485868788),
    "a half word": ("r0 = *(u32 *)(r1 +4)", 0x85868788),
    "with its sign": ("r0 = *(s16 *)(r1 +0)", 0xFFFFFFFFFFFF8182),
    "a byte": ("r0 = *(u8 *)(r1 +0)", 0x81),
    "be truncates": ("r0 = *(u64 *)(r1 +0)\nr0 = be32 r0", 0x85868788),
    "le swaps": ("r0 = *(u64 *)(r1 +0)\nr0 = le32 r0", 0x88878685),
    "bswap swaps": ("r0 = *(u64 *)(r1 +0)\nr0 = bswap16 r0", 0x8887),
    "a part of a spill": (
        "r2 = 0x1122334455667788 ll\n*(u64 *)(r10 -8) = r2\nr0 = *(u32 *)(r10 -8)",
        0x11223344,
    ),
    "its low half": ("r2 = 0x1122334455667788 ll\n*(u64 *)(r10 -8) = r2\nr0 = *(u16 *)(r10 -2)", 0x7788),
    "a word of parts": (
        "*(u32 *)(r10 -8) = 0x11223344\n*(u32 *)(r10 -4) = 0x55667788\nr0 = *(u64 *)(r10 -8)",
        0x1122334455667788,
    ),
    "an atomic operation on a half": (
        "r2 = 1\nlock *(u32 *)(r1 +4) += r2\nr0 = *(u64 *)(r1 +0)",
        0x8182838485868789,
    ),
}


def case_of(text: str) -> Case:
    spec = MapSpec(MapType.ARRAY, 4, 16, 1, name="m0", contents=((bytes(4), CONTENT),))
    insns = (*load_map_value(R1, 0), *parse([*text.splitlines(), "exit"]))
    return Case(Program(ProgramType.SOCKET_FILTER, insns, (spec,), byte_order=ByteOrder.BIG))


@pytest.mark.parametrize("row", ROWS)
def test_a_row(row: str) -> None:
    text, expected = ROWS[row]
    outcome = run(case_of(text), Input(), limit=STEP_LIMIT)
    assert isinstance(outcome, Returned)
    assert outcome.r0 == expected


@pytest.mark.parametrize("row", ROWS)
def test_the_reference_finds_the_same(row: str) -> None:
    """A path that leaves the stack is taken for one value of R0 only: the reference finds it for the right
    one, and takes any other's for safe where memory cannot change."""
    text, expected = ROWS[row]
    for value, verdict in ((expected, ReferenceVerdict.UNSAFE), (expected ^ 1, ReferenceVerdict.SAFE)):
        signed = value - (1 << 64) if value >> 63 else value
        trap = f"{text}\nr3 = {signed} ll\nif r0 != r3 goto pc+1\nr0 = *(u64 *)(r10 -600)"
        case = case_of(trap + "\nr0 = 0")
        frozen = replace(case.program.maps[0], flags=1 << 7)
        if "lock" in text:
            continue  # nobody stores to what is frozen, and others may write what is not
        case = replace(case, program=replace(case.program, maps=(frozen,)))
        answer = opinion(case, QUICK)
        assert answer.verdict is verdict, (hex(value), answer)


def test_generated_programs_do_what_they_are_made_to() -> None:
    """Valid ones run through, near misses that must trap do, and what the interpreter writes is read back."""
    profile, rng = Profile(linux=(7, 3), machine=BIG, inputs=3), random.Random(3)
    seen: Counter[str] = Counter()
    for _ in range(250):
        generated = draw(rng, profile).make()
        assert generated.case.program.byte_order is ByteOrder.BIG
        if generated.purpose is not Purpose.VALID:
            continue
        for data in generated.case.inputs:
            outcome = run(generated.case, data, limit=STEP_LIMIT)
            assert not isinstance(outcome, Trapped), outcome
            seen[type(outcome).__name__] += 1
    assert seen["Returned"] > 200


def test_the_reference_takes_generated_programs_for_safe() -> None:
    profile, rng = (
        Profile(linux=(7, 3), machine=BIG, inputs=1, near_misses_in=0, daring_in=0),
        random.Random(4),
    )
    verdicts: Counter[ReferenceVerdict] = Counter()
    for _ in range(12):
        generated = draw(rng, profile).make()
        verdicts[opinion(generated.case, QUICK).verdict] += 1
    assert verdicts[ReferenceVerdict.UNSAFE] == 0
    assert verdicts[ReferenceVerdict.SAFE] > 3
