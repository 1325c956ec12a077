"""The parts generators are made of: dice, constants, inputs, profiles, state, mutations."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.byte_order import ByteOrder
from ebpf.isa import Insn
from ebpf.isa.table import FORMS, form_of
from ebpf.program_types import ProgramType
from generators.choices import CHOICES, PRODUCTIONS
from generators.constants import BOUNDARIES, IMMEDIATES, immediate, word
from generators.dice import Dice
from generators.inputs import WORDS, WordSource, constants_of, inputs_for
from generators.mutations import mutate
from generators.profiles import Profile, profile_for
from tests.generators.drawing import draws

BIG = st.integers(0, (1 << 160) - 1)


@given(BIG, st.lists(st.integers(1, 1000), max_size=6))
def test_a_die_is_a_number_in_mixed_radix(number: int, counts: list[int]) -> None:
    dice = Dice(number)
    rest, weight = 0, 1
    for count in counts:
        digit = dice.pick(count)
        assert 0 <= digit < count
        rest += digit * weight
        weight *= count
    assert rest + dice.left * weight == number


def test_a_used_up_die_chooses_the_first() -> None:
    dice = Dice(0)
    assert [dice.pick(7), dice.of("abc"), dice.chance(2), dice.left] == [0, "a", False, 0]


def test_chance() -> None:
    assert [Dice(n).chance(3) for n in range(6)] == [False, False, True] * 2
    assert Dice(0).chance(1)


def test_boundaries() -> None:
    wanted = {
        0,
        1,
        1 << 29,
        1 << 31,
        (1 << 31) - 1,
        (1 << 32) - 1,
        1 << 32,
        (1 << 32) + 1,
        1 << 63,
        (1 << 63) - 1,
        (1 << 64) - 1,
        (1 << 64) - (1 << 31),
    }
    assert wanted <= set(BOUNDARIES)
    assert all(0 <= number < 1 << 64 for number in BOUNDARIES)
    assert BOUNDARIES[:3] == (0, 1, (1 << 64) - 1)
    assert {0, 1, -1, (1 << 31) - 1, -(1 << 31), 1 << 29} <= set(IMMEDIATES)
    assert len(set(IMMEDIATES)) == len(IMMEDIATES)
    assert all(-(1 << 31) <= number < 1 << 31 for number in IMMEDIATES)


@given(BIG)
def test_immediates_and_words_fit(number: int) -> None:
    assert -(1 << 31) <= immediate(Dice(number)) < 1 << 31
    assert 0 <= word(Dice(number)) < 1 << 64


def test_immediates_reach_limits_and_shrink_to_zero() -> None:
    rng = random.Random(1)
    seen = {immediate(Dice(rng.getrandbits(64))) for _ in range(4000)}
    assert set(IMMEDIATES) <= seen
    assert immediate(Dice(0)) == word(Dice(0)) == 0


def test_constants_of_a_program() -> None:
    insns = (
        Insn(0x07, 1, 0, 0, 40),
        Insn(0x0F, 1, 2, 0, 0),
        Insn(0x18, 1, 0, 0, 5),
        Insn(0, imm=1),
        Insn(0x85, imm=77),
        Insn(0x05, imm=0),
        Insn(0x15, 1, 0, 3, -1),
        Insn(0x18, 1, 1, 0, 99),
        Insn(0),
        Insn(0x62, 1, 0, 0, 55),
        Insn(0x95),
    )
    found = set(constants_of(insns))
    assert found == {39, 40, 41, (1 << 32) + 4, (1 << 32) + 5, (1 << 32) + 6, (1 << 64) - 2, (1 << 64) - 1, 0}


@pytest.mark.parametrize("kind", [ProgramType.SOCKET_FILTER, ProgramType.XDP])
def test_inputs(kind: ProgramType) -> None:
    many = inputs_for(kind, (), 3, 400, ByteOrder.LITTLE)
    assert many == inputs_for(kind, (), 3, 400, ByteOrder.LITTLE)
    assert many != inputs_for(kind, (), 4, 400, ByteOrder.LITTLE)
    header = 0 if kind is ProgramType.XDP else 14
    assert all(14 <= len(data.packet) <= header + 8 * WORDS for data in many)
    assert len(many[0].packet) == header + 8 * WORDS
    short = sum(len(data.packet) < header + 64 for data in many)
    assert 10 < short < 100
    assert {len(data.context) for data in many} == ({0} if kind is ProgramType.XDP else {68})
    assert all(not any(data.packet[:header]) for data in many)
    for data in many[:20]:
        controlled = {8, 32, 48, 52, 56, 60, 64}
        assert not any(byte for at, byte in enumerate(data.context) if at & ~3 not in controlled)


def test_input_words_favour_the_programs_constants() -> None:
    source = WordSource(random.Random(5), (0x1234_5678_9ABC,), ByteOrder.LITTLE)
    words = [source.word() for _ in range(1000)]
    assert 100 < words.count(0x1234_5678_9ABC) < 400
    assert sum(w & 0xFFFF_FFFF == 0x5678_9ABC for w in words) > words.count(0x1234_5678_9ABC)
    assert len(source.payload(3)) == 24
    assert 0 <= min(words) <= max(words) < 1 << 64


def test_words_are_drawn_as_the_standard_library_draws() -> None:
    ours, theirs = WordSource(random.Random(9), (), ByteOrder.LITTLE), random.Random(9)
    limits = [12, 1, 256, 7, 3, 100] * 50
    assert [ours.below(limit) for limit in limits] == [theirs.randrange(limit) for limit in limits]


@pytest.mark.parametrize(
    ("release", "linux"),
    [
        ("6.12.107+deb13-cloud-amd64", (6, 12)),
        ("5.10.0", (5, 10)),
        ("7.3-rc1", (7, 31)),
        ("linux", (6, 12)),
        ("", (6, 12)),
        ("x.y", (6, 12)),
    ],
)
def test_profile_for(release: str, linux: tuple[int, int]) -> None:
    assert profile_for(release).linux == linux


def test_a_profile_knows_what_its_kernel_knows() -> None:
    profile = Profile(linux=(6, 6))
    assert [profile.knows(since) for since in ("3.18", "6.6", "6.7", "7.0", "", "5.12")] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("linux", [(5, 10), (6, 1), (6, 12)])
def test_older_kernels_never_get_newer_forms(linux: tuple[int, int]) -> None:
    since = {form.name: form.since for form in FORMS}
    for generated in draws(120, Profile(linux=linux, inputs=1, near_misses_in=0)):
        insns = generated.case.program.instructions
        for at, insn in enumerate(insns):
            if not (at and insns[at - 1].opcode == 0x18):
                name = form_of(insn).name
                assert tuple(map(int, since[name].split("."))) <= linux, name


def test_productions_are_chosen_by_weight_simplest_first() -> None:
    assert CHOICES[0] is PRODUCTIONS[0]
    assert {name: [p.name for p in CHOICES].count(name) for name in {p.name for p in CHOICES}} == {
        p.name: p.weight for p in PRODUCTIONS
    }


@given(BIG)
def test_mutate_keeps_the_count_of_a_loop(number: int) -> None:
    # r7 = 5; r1 = 1; l: r0 += 1; r7 += -1; if r7 != 0 goto l - with another step the kernel walks for minutes.
    before = (
        Insn(0xB7, 7, imm=9),
        Insn(0xB7, 7, imm=5),
        Insn(0xB7, 1, imm=1),
        Insn(0x07, 0, imm=1),
        Insn(0x07, 7, imm=-1),
        Insn(0x55, 7, 0, -3),
        Insn(0x95),
    )
    after = mutate(before, Dice(number))
    assert {at for at in range(len(before)) if before[at] != after[at]} <= {0, 2, 3}


@given(BIG)
def test_mutate_changes_at_most_two_instructions(number: int) -> None:
    before = (
        Insn(0xB7, 0, 0, 0, 5),
        Insn(0x18, 1),
        Insn(0),
        Insn(0x7B, 10, 0, -8),
        Insn(0x15, 0, 0, 1, 3),
        Insn(0x85, imm=7),
        Insn(0xA5, 0, 0, -3, 3),
        Insn(0x95),
    )
    after = mutate(before, Dice(number))
    changed = [at for at in range(len(before)) if before[at] != after[at]]
    assert len(after) == len(before)
    assert len(changed) <= 2
    assert set(changed) <= {3, 4}
    assert [form_of(insn) for at, insn in enumerate(after) if at != 2]
