"""Generators reach what they claim: every production, every near miss, every form of the instruction set they
know."""

from __future__ import annotations

from collections import Counter
from functools import cache

from ebpf.isa.table import FORMS, form_of
from ebpf.program_types import ProgramType
from ebpf.rules import FALLS_OFF, RETURN_RANGE
from generators.near_misses import NEAR_MISSES
from generators.productions import PRODUCTIONS
from generators.programs import Generated, Purpose
from generators.settings import SETTINGS
from tests.generators.drawing import MIXED, NEAR, VALID, draws


@cache
def mixed() -> tuple[Generated, ...]:
    return tuple(draws(700, MIXED))


def forms(generated: Generated) -> set[str]:
    insns = generated.case.program.instructions
    return {form_of(insn).name for at, insn in enumerate(insns) if not (at and insns[at - 1].opcode == 0x18)}


def test_every_production() -> None:
    used = Counter(name for generated in mixed() for name in generated.productions)
    assert used.keys() == {production.name for production in PRODUCTIONS}
    assert min(used.values()) >= 40, used


def test_every_near_miss() -> None:
    broken = Counter(generated.rule for generated in draws(900, NEAR))
    assert broken.keys() - {None} == {miss.rule for miss in NEAR_MISSES} | {FALLS_OFF, RETURN_RANGE}
    assert broken[None] < 300


def test_every_form_of_arithmetic_branches_and_memory() -> None:
    """Of what Linux 6.12 has, only what the productions leave out on purpose is missing."""
    seen = set().union(*[forms(generated) for generated in draws(700, VALID)])
    absent = {name for name in ALL_FORMS - seen if not name.startswith(BEYOND)}
    assert absent == {"ldabs8", "ldabs16", "ldabs32", "ldind8", "ldind16", "ldind32", "gotol"} - seen, absent


ALL_FORMS = {form.name for form in FORMS}
BEYOND = (
    "addr_space_cast",
    "gotox",
    "may_goto",
    "callx",
    "load_acquire",
    "store_release",
    "ld_btf_id",
    "ld_func",
    "ld_map_idx",
    "call_kfunc",
)


def test_the_mixture() -> None:
    purposes = Counter(generated.purpose for generated in mixed())
    kinds = Counter(generated.case.program.type for generated in mixed())
    unprivileged = sum(generated.case.capabilities == () for generated in mixed())
    assert purposes[Purpose.VALID] / 700 > 0.6
    assert purposes[Purpose.NEAR_MISS] / 700 > 0.08
    assert purposes[Purpose.DARING] / 700 > 0.05
    assert unprivileged / 700 > 0.2
    assert min(kinds[ProgramType.XDP], kinds[ProgramType.SOCKET_FILTER]) > 110
    assert kinds.keys() == {setting.type for setting in SETTINGS}


def test_programs_differ() -> None:
    assert len({generated.case.program.instructions for generated in mixed()}) == 700
    lengths = sorted(len(generated.case.program.instructions) for generated in mixed())
    assert lengths[350] >= 40
    assert lengths[-1] <= 1000
