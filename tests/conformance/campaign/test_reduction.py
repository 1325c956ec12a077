"""Slots are taken away and put in; every jump that stays leads where it led."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Generator
from dataclasses import replace
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from conformance.campaign.localisation import with_constant
from conformance.campaign.passes import (
    PASSES,
    constants_for_results,
    decide_branches,
    drop_maps,
    reduce_inputs,
    reduce_program,
    simpler_constants,
    with_instructions,
    with_slots,
)
from conformance.campaign.reduction import reduce, reduce_recipe
from ebpf import rules
from ebpf.assembly import parse, program_listing
from ebpf.assembly.parser import assemble
from ebpf.editing import jump_field, remove, replace_slots
from ebpf.intent import Intent
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, call_kfunc, leave, mov64
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from generators.profiles import Profile
from generators.programs import Generated, Purpose
from generators.recipes import Recipe, draw
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT

PROFILE = Profile(near_misses_in=0, daring_in=0, aims_in=0)


@st.composite
def jumping(draw: st.DrawFn) -> tuple[Insn, ...]:
    """Instructions of every kind that jumps, and others, numbered in a field that nothing else uses."""
    count = draw(st.integers(1, 24))
    insns = []
    for at in range(count):
        distance = draw(st.integers(-at - 1, count - at - 1))
        kinds = (
            Insn(o.MOV | o.K | o.ALU64, 0, imm=at),
            Insn(o.JA | o.JMP, off=distance),
            Insn(o.JA | o.JMP32, imm=distance),
            Insn(o.JNE | o.K | o.JMP, 1, off=distance, imm=at),
            Insn(o.JSGT | o.X | o.JMP32, 1, 2, distance),
            Insn(o.CALL | o.JMP, src=o.CALL_LOCAL, imm=distance),
            Insn(o.LD_IMM64, 1, o.PSEUDO_FUNC, imm=distance),
            Insn(o.CALL | o.JMP, imm=7),
            Insn(o.EXIT | o.JMP),
        )
        insns.append(draw(st.sampled_from(kinds)))
    return tuple(insns)


def targets(insns: tuple[Insn, ...]) -> list[int | None]:
    fields = [jump_field(insn) for insn in insns]
    return [
        None if field is None else at + 1 + getattr(insn, field)
        for at, (insn, field) in enumerate(zip(insns, fields, strict=True))
    ]


@given(jumping(), st.data())
def test_removal_keeps_targets(insns: tuple[Insn, ...], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(insns) - 1))
    count = data.draw(st.integers(1, len(insns) - start))
    left = remove(insns, start, count)
    kept = [at for at in range(len(insns)) if not start <= at < start + count]
    assert len(left) == len(kept)
    place = {at: number for number, at in enumerate([*kept, len(insns)])}
    for old, (number, target) in zip(kept, enumerate(targets(left)), strict=True):
        before = targets(insns)[old]
        if before is None:
            assert left[number] == insns[old]
        else:
            # What led into the gap leads to what follows it.
            assert (
                target == place[before if before in place else min(at for at in place if at >= start + count)]
            )


@given(jumping(), st.data())
def test_widening_keeps_targets(insns: tuple[Insn, ...], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(insns) - 1))
    pair = (Insn(o.LD_IMM64, 1), Insn(0))
    wide = replace_slots(insns, at, 1, pair)
    assert wide[at : at + 2] == pair
    moved = [n if n <= at else n + 1 for n in range(len(insns) + 1)]
    for old, before in enumerate(targets(insns)):
        if old != at:
            after = targets(wide)[moved[old]]
            assert after == (None if before is None else moved[before])


def made(number: int) -> Generated:
    return draw(random.Random(number), PROFILE).make()


def test_the_right_constant_in_place_of_an_instruction_changes_nothing() -> None:
    for number in (1, 9, 77, 200):
        generated = made(number)
        case = generated.case
        trace: list = []  # type: ignore[type-arg]
        outcome = run(case, case.inputs[0], trace=trace, limit=STEP_LIMIT)
        if not isinstance(outcome, Returned) or not outcome.predictable:
            continue
        visits = [step.at for step in trace]
        for step in trace:
            insn = case.program.instructions[step.at]
            value = step.registers[insn.dst] if insn.dst < 10 else None
            if (
                insn.opcode & o.CLASS_MASK in (o.ALU, o.ALU64)
                and visits.count(step.at) == 1
                and not step.depth
                and isinstance(value, int)
            ):
                assert (
                    run(with_constant(generated, step.at, value).case, case.inputs[0], limit=STEP_LIMIT)
                    == outcome
                )


def test_the_right_constant_goes_behind_a_call_whose_other_effects_stay() -> None:
    lines = ("r1 = 1", "r2 = 2", "if r1 == 0x1 goto pc+1", "call bpf_get_prandom_u32#7", "r0 = 0", "exit")
    program = tuple(assemble(lines).instructions)
    generated = Generated(Case(Program(ProgramType.SOCKET_FILTER, program)), Purpose.DARING)
    changed = with_constant(generated, 3, (1 << 64) - 7).case.program.instructions
    assert changed[3] == program[3]
    assert (changed[4].opcode, changed[4].dst, changed[4].imm, changed[5].imm) == (o.LD_IMM64, 0, -7, -1)
    assert changed[2].off == 3  # a way around the call goes around the constant too


def test_reduction_ends_where_everything_fails() -> None:
    began = time.monotonic()
    assert reduce_program(made(5), lambda generated: True, 60.0).case.program.instructions == ()
    assert time.monotonic() - began < 20


def test_half_of_minus_one_is_not_minus_one_again() -> None:
    generated = made(5)
    insns = (Insn(o.MOV | o.K | o.ALU64, 0, imm=-1), Insn(o.EXIT | o.JMP))
    small = replace(
        generated, case=replace(generated.case, program=replace(generated.case.program, instructions=insns))
    )
    assert small not in list(simpler_constants(small))


def near_miss() -> Recipe:
    profile = Profile(near_misses_in=2)
    recipes = (draw(random.Random(number), profile) for number in range(256))
    return next(recipe for recipe in recipes if recipe.make().purpose is Purpose.NEAR_MISS)


def test_a_near_miss_is_made_anew_with_the_same_rule() -> None:
    recipe = near_miss()
    rule = recipe.make().rule
    small = reduce_recipe(recipe, lambda each: each.make().rule is rule, 10.0)
    assert small.make().rule is rule
    assert len(small.seeds) < len(recipe.seeds)
    assert len(small.make().case.program.instructions) < len(recipe.make().case.program.instructions)


def has_negation(generated: Generated) -> bool:
    return any(insn.opcode == o.NEG | o.ALU64 for insn in generated.case.program.instructions)


def test_small_recipes_are_found() -> None:
    """One production has a negation; a few have it only where another one left something to negate."""
    recipes = (draw(random.Random(number), PROFILE) for number in range(900))
    chosen = (each for each in recipes if has_negation(each.make()) and len(each.seeds) > 12)
    small = [reduce_recipe(each, lambda one: has_negation(one.make()), 10.0) for each in islice(chosen, 21)]
    assert all(has_negation(each.make()) for each in small)
    sizes = sorted(len(each.seeds) for each in small)
    assert (len(sizes), sizes[10]) == (21, 1)
    assert sizes[16] <= 2
    assert sizes[-1] <= 5


def test_no_time_changes_nothing() -> None:
    recipe = near_miss()
    assert reduce_recipe(recipe, lambda each: True, -1.0) == recipe


def test_passes_go_on_where_something_went() -> None:
    """Every candidate is asked about once; what fails is not proposed again at the same place."""
    asked: list[int] = []

    def keeps_even(generated: Generated) -> bool:
        asked.append(len(generated.case.program.instructions))
        return len(asked) % 2 == 0

    generated = made(7)
    reduce(generated, PASSES[2:3], keeps_even, 5.0)
    assert len(asked) < 40 * len(generated.case.program.instructions)


def test_where_only_inputs_may_change_instructions_stay() -> None:
    generated = near_miss().make()
    reduced = reduce_inputs(generated, lambda _: True, 10.0)
    assert reduced.case.program.instructions == generated.case.program.instructions
    assert len(reduced.case.inputs) == 1


def test_what_a_near_miss_breaks_stays_and_is_followed() -> None:
    generated = near_miss().make()
    culprit = generated.case.program.instructions[generated.at]
    reduced = reduce_program(generated, lambda _: True, 10.0)
    assert reduced.rule is generated.rule
    assert reduced.case.program.instructions[reduced.at].opcode == culprit.opcode
    assert len(reduced.case.program.instructions) <= reduced.at + 2


def of(text: str, *, maps: tuple[MapSpec, ...] = (), at: int | None = None) -> Generated:
    insns = parse(line.strip() for line in text.strip().splitlines())
    intent = None if at is None else Intent(rules.RETURN_RANGE, at)
    return Generated(Case(Program(ProgramType.SOCKET_FILTER, insns, maps)), Purpose.DARING, intent)


def proposals(generator: Generator[Generated, bool, None], *kept: bool) -> list[list[str]]:
    """What is proposed when these answers are given, and No to all others."""
    answers, found = iter(kept), []
    try:
        candidate = next(generator)
        while True:
            found.append([text for _, text in program_listing(candidate.case.program)])
            candidate = generator.send(next(answers, False))
    except StopIteration:
        return found


BRANCHES = """
    r0 = 1
    if r1 == 0x0 goto pc+2
    r0 = 2
    exit
    r0 = 3
    exit
"""


def test_a_branch_goes_either_way_and_takes_the_other_with_it() -> None:
    assert proposals(decide_branches(of(BRANCHES))) == [
        ["r0 = 1", "r0 = 3", "exit"],
        ["r0 = 1", "goto pc+0", "r0 = 3", "exit"],
        ["r0 = 1", "r0 = 2", "exit"],
    ]


def test_a_branch_that_is_broken_on_purpose_stays() -> None:
    assert proposals(decide_branches(of(BRANCHES, at=1))) == []
    assert [with_slots(of(BRANCHES, at=3), (0, 4, 5))] == [None]
    moved = with_slots(of(BRANCHES, at=5), (1, 2, 3, 4, 5))
    assert moved is not None
    assert moved.at == 4


def test_what_an_instruction_computes_becomes_what_the_run_has_there_or_nothing() -> None:
    computing = of("r1 = 5\nr1 *= 3\nr0 = r1\nexit")
    assert proposals(constants_for_results(computing), False, True)[:4] == [
        ["r1 = 5", "r1 *= 3", "r0 = 0", "exit"],
        ["r1 = 5", "r1 *= 3", "r0 = 15", "exit"],
        ["r1 = 5", "r1 = 0", "r0 = 15", "exit"],
        ["r1 = 5", "r1 = 15", "r0 = 15", "exit"],
    ]


def test_maps_that_nothing_names_go_and_others_are_numbered_anew() -> None:
    maps = tuple(MapSpec(MapType.ARRAY, 4, 8, 1, name=f"m{n}") for n in range(3))
    program = of("r1 = map[1]\nr0 = 0\nexit", maps=maps)
    small = reduce(program, (drop_maps,), lambda _: True, 5.0).case.program
    assert [spec.name for spec in small.maps] == ["m1"]
    assert small.instructions[0].imm == 0


def test_records_of_functions_follow_their_functions() -> None:
    """A callback in a program that becomes shorter: with its old record the kernel refuses the program."""
    rng = random.Random(3)
    made = next(
        made for made in (draw(rng, PROFILE).make() for _ in range(2000)) if made.case.program.func_info
    )
    insns = made.case.program.instructions
    shorter = with_instructions(made, replace_slots(insns, 0, 1, (insns[0], Insn(o.MOV | o.K | o.ALU64))))
    before, after = made.case.program, shorter.case.program
    assert before.func_info is not None
    assert after.func_info is not None
    old, new = (list(struct.iter_unpack("<II", info)) for info in (before.func_info, after.func_info))
    assert len(old) > 1
    assert new == [(slot + (slot > 0), kind) for slot, kind in old]


def test_calls_of_kernel_functions_keep_their_names() -> None:
    """Shorter by an instruction before them, or by one of them."""
    insns = (mov64(R0, 0), call_kfunc(0), mov64(R1, 0), call_kfunc(1), leave())
    kfuncs = ((1, "bpf_preempt_disable"), (3, "bpf_preempt_enable"))
    case = Case(Program(ProgramType.XDP, insns, kfuncs=kfuncs))
    made = Generated(case, Purpose.VALID)
    shorter = with_instructions(made, remove(insns, 0, 1)).case.program
    assert shorter.kfuncs == ((0, "bpf_preempt_disable"), (2, "bpf_preempt_enable"))
    one = with_instructions(made, remove(insns, 1, 1)).case.program
    assert one.kfuncs == ((2, "bpf_preempt_enable"),)
    again = with_instructions(
        Generated(Case(one), Purpose.VALID), remove(one.instructions, 0, 1)
    ).case.program
    assert again.kfuncs == ((1, "bpf_preempt_enable"),)
