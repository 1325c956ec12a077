"""What is read and written agrees with what runs of the interpreter do; a few things by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ebpf.assembly import parse
from ebpf.liveness import live_before, reads, writes
from generators.profiles import Profile
from oracles.interpreter import Step, run
from tests.generators.drawing import draws


def test_what_a_run_changes_is_written() -> None:
    """A register that differs after an instruction of the same function is one that it writes."""
    compared = 0
    for made in draws(60, Profile(linux=(7, 3), inputs=1, near_misses_in=0, daring_in=0), seed=5):
        trace: list[Step] = []
        run(made.case, made.case.inputs[0], trace=trace, limit=5_000)
        for before, after in pairwise(trace):
            insn = made.case.program.instructions[after.at]
            if (before.frame, before.depth) == (after.frame, after.depth):
                changed = {
                    register
                    for register in range(10)
                    if before.registers[register] != after.registers[register]
                }
                assert changed <= writes(insn), insn
                compared += 1
    assert compared > 1_000


@pytest.mark.parametrize(
    ("source", "read", "written"),
    [
        ("r1 += r2", {1, 2}, {1}),
        ("r1 = r2", {2}, {1}),
        ("w1 = -w1", {1}, {1}),
        ("r1 = be16 r1", {1}, {1}),
        ("r1 = *(u8 *)(r2 +0)", {2}, {1}),
        ("*(u8 *)(r1 +0) = r2", {1, 2}, set()),
        ("*(u8 *)(r1 +0) = 2", {1}, set()),
        ("r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)", {0, 1, 2}, {0}),
        ("r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)", {1, 2}, {2}),
        ("r2 = load_acquire((u64 *)(r1 +0))", {1}, {2}),
        ("store_release((u64 *)(r1 +0), r2)", {1, 2}, set()),
        ("r0 = *(u8 *)skb[r3 + 3]", {3, 6}, {0, 1, 2, 3, 4, 5}),
        ("if r1 > r2 goto pc+0", {1, 2}, set()),
        ("if w1 > 2 goto pc+0", {1}, set()),
        ("may_goto pc+0", set(), set()),
        ("goto pc+0", set(), set()),
        ("r1 = map[0]", set(), {1}),
        ("call bpf_ktime_get_ns#5", {1, 2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}),
        ("exit", {0}, set()),
    ],
)
def test_an_instruction(source: str, read: set[int], written: set[int]) -> None:
    insn = parse([source])[0]
    assert (set(reads(insn)), set(writes(insn))) == (read, written)


def test_what_is_read_in_the_next_round_is_live() -> None:
    insns = parse(["r6 = 0", "r7 = 1", "r0 = r7", "r7 = r6", "if r0 < 5 goto pc-3", "exit"])
    assert [set(live) for live in live_before(insns)[1:5]] == [{6}, {6, 7}, {0, 6}, {0, 6, 7}]
