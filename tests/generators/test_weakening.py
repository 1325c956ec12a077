"""Weakened programs are loadable forms, weakened in every way; many break a rule on some path, a few in every way
that two states at one point can differ."""

from __future__ import annotations

from collections import Counter

import pytest

from ebpf.assembly import parse
from ebpf.editing import target
from ebpf.isa.insn import Insn
from ebpf.isa.table import form_of
from ebpf.liveness import starts
from ebpf.program import LoadFlag, Program
from ebpf.program_types import ProgramType
from ebpf.splicing import FUNCTION
from generators.dice import Dice
from generators.profiles import Profile
from generators.programs import Generated
from generators.weakening import weaken
from oracles.interpreter import Trapped, run
from tests.generators.drawing import draws

SOURCE = """
    r6 = *(u8 *)(r10 -8)
    r6 &= 7
    if r6 > 5 goto pc+2
    r7 += r6
    r0 = *(u8 *)(r7 +0)
    r0 = 0
    exit
"""


def program(source: str) -> Program:
    return Program(ProgramType.SOCKET_FILTER, parse(line.strip() for line in source.strip().splitlines()))


def weakened(source: str = SOURCE, count: int = 2000) -> set[tuple[Insn, ...]]:
    return {weaken(program(source), Dice(7919 * n), states=False).instructions for n in range(count)}


@pytest.mark.parametrize(
    "lines",
    [
        # the mask on one of two paths, the path with it first, and the other first
        ["r6 = *(u8 *)(r10 -8)", "r9 = *(u8 *)(r10 -64)", "if r9 > 127 goto pc+1", "r6 &= 7"],
        ["r6 = *(u8 *)(r10 -8)", "r9 = *(u8 *)(r10 -64)", "if r9 > 127 goto pc+1", "goto pc+1", "r6 &= 7"],
        # left out, off by one, too late
        ["r6 = *(u8 *)(r10 -8)", "if r6 > 5 goto pc+2"],
        ["r6 = *(u8 *)(r10 -8)", "r6 &= 8"],
        ["r6 = *(u8 *)(r10 -8)", "r6 &= 7", "r7 += r6", "if r6 > 5 goto pc+1"],
        # the comparison the other way round
        ["r6 = *(u8 *)(r10 -8)", "r6 &= 7", "if r6 <= 5 goto pc+2"],
    ],
)
def test_every_way_to_weaken(lines: list[str]) -> None:
    def shape(insns: tuple[Insn, ...]) -> list[tuple[int, int, int]]:
        return [(insn.opcode, insn.off, insn.imm) for insn in insns[: len(lines)]]

    wanted, made = parse(lines), weakened()
    if len(lines) > 3 and "r10 -64" in lines[1]:
        # which byte and which spare register do not matter
        alike = [(insn.opcode, insn.imm) for insn in wanted]
        assert any([(i.opcode, i.imm) for i in insns[: len(lines)]] == alike for insns in made)
    else:
        assert shape(wanted) in [shape(insns) for insns in made]


def test_what_leaves_or_counts_a_loop_stays() -> None:
    source = "r1 = 0\nif r1 >= 9 goto pc+2\nr1 += 1\ngoto pc-3\nr0 = 0\nexit"
    kept = program(source).instructions[1:4]
    for insns in weakened(source):
        at = next(n for n, insn in enumerate(insns) if insn.opcode == kept[0].opcode and insn.imm == 9)
        assert insns[at].off in (2, 3, 4, 5)
        back = next(n for n, insn in enumerate(insns) if n > at and (target(insn, n) or n) <= at)
        assert kept[1] in insns[at:back]


def test_bpf_loop_calls_back_as_often_as_before() -> None:
    source = (
        "r1 = r8\nr1 &= 7\nr2 = subprog[+6]\nr3 = r10\nr4 = 0\ncall bpf_loop#181\nr0 = 0\nexit\nr0 = 0\nexit"
    )
    before = program(source).instructions[:2]
    for insns in weakened(source, 300):
        assert [insn for insn in insns if insn.dst == 1][:2] == list(before)


def drawn() -> list[Generated]:
    return list(draws(300, Profile(linux=(7, 3), near_misses_in=0, daring_in=1, inputs=4), seed=6))


def test_forms_functions_and_calls_of_kernel_functions_stay_whole() -> None:
    for made in drawn():
        insns = made.case.program.instructions
        begun = starts(insns)
        for at in begun:
            form_of(insns[at], at)
            led_to = target(insns[at], at)
            assert led_to is None or 0 <= led_to <= len(insns)
        for slot, _ in made.case.program.kfuncs:
            assert insns[slot].names_kernel
        for start, _ in FUNCTION.iter_unpack(made.case.program.func_info or b""):
            assert start in begun


def test_many_break_a_rule_in_a_run() -> None:
    broken: Counter[str] = Counter()
    for made in drawn():
        for data in made.case.inputs:
            outcome = run(made.case, data, limit=20_000)
            if isinstance(outcome, Trapped):
                broken[str(outcome.rule)] += 1
                break
    assert sum(broken.values()) >= 30, broken
    assert len(broken) >= 6, broken


def test_states_are_kept_at_joins() -> None:
    flags = [weaken(program(SOURCE), Dice(7919 * n), states=True).flags for n in range(200)]
    assert 100 < sum(LoadFlag.TEST_STATE_FREQ in each for each in flags) < 190
