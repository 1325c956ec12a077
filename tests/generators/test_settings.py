"""Every setting: valid programs of its type run, near misses keep to it, helpers are called with what they
take."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.program import Case, LoadFlag, Program
from ebpf.program_types import ProgramType as T
from ebpf.return_ranges import return_range
from generators.builder import Builder
from generators.dice import WIDTH, Dice
from generators.epilogue import epilogue
from generators.productions.helpers import call, offered
from generators.productions.packet import places
from generators.profiles import Profile
from generators.prologues import prologue
from generators.settings import SETTINGS, UNPRIVILEGED, PacketEntry, Setting
from oracles.interpreter import Abstained, Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.generators.drawing import draws, ran

settings = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.type.name.lower())


def only(setting: Setting, **changes: int) -> Profile:
    return replace(Profile(settings=(replace(setting, weight=1),), unprivileged_in=0, inputs=2), **changes)  # type: ignore[arg-type]  # of a number


@settings
def test_valid_programs_run(setting: Setting) -> None:
    allowed = {attach: return_range(setting.type, attach, "6.12") for attach in setting.attached}
    for made in draws(25, only(setting, near_misses_in=0, daring_in=0), seed=11):
        program = made.case.program
        assert (program.type, program.attach_type in setting.attached) == (setting.type, True)
        assert setting.flags in program.flags
        for data in made.case.inputs:
            outcome = run(made.case, data, limit=STEP_LIMIT)
            assert ran(outcome), outcome
            if isinstance(outcome, Returned):
                low, high = allowed[program.attach_type] or (0, outcome.r0)
                assert low <= outcome.r0 <= high


@settings
def test_helpers_are_called_with_what_they_take(setting: Setting) -> None:
    """By our own reading; the kernel's is asked by row 3 of the pipeline."""
    b = Builder(setting.type, Profile(), True, setting.attached[0])
    assert len(offered(b)) > 20
    abstained = Counter[str]()
    for number in range(len(offered(b))):
        b = Builder(setting.type, Profile(), True, setting.attached[0])
        b.maps = list(next(iter(draws(1, Profile()))).case.program.maps[:3])
        prologue(b, Dice(13), setting.entries[0])  # with a copy of the packet on the stack
        if call(b, Dice(random.Random(number).getrandbits(WIDTH)), offered(b)[number]):
            assert not b.state.registers.keys() & {1, 2, 3, 4, 5}
            epilogue(b, Dice(0))
            program = Program(b.type, tuple(b.insns), tuple(b.maps), b.attach_type, flags=setting.flags)
            outcome = run(Case(program), Case(program).inputs[0], limit=STEP_LIMIT)
            assert isinstance(outcome, Returned | Abstained), (offered(b)[number].name, outcome)
            abstained[outcome.reason if isinstance(outcome, Abstained) else ""] += 1
    assert abstained[""] > 15


def test_no_helper_of_another_licence() -> None:
    b = Builder(T.KPROBE, Profile(), True, gpl=False)
    assert not any(prototype.gpl_only for prototype in offered(b))
    b.gpl = True
    assert any(prototype.gpl_only for prototype in offered(b))


def test_what_an_old_kernel_lacks_is_left_out() -> None:
    assert T.SYSCALL not in {setting.type for setting in Profile(linux=(5, 10)).choices(True)}
    assert T.SYSCALL in {setting.type for setting in Profile(linux=(5, 15)).choices(True)}
    assert {setting.type for setting in Profile().choices(False)} == {
        setting.type for setting in UNPRIVILEGED
    }


def test_the_end_of_a_program_that_may_not_return_anything() -> None:
    """Now and then the exit breaks the range, with a number that is in no range."""
    chosen = next(setting for setting in SETTINGS if setting.type is T.CGROUP_DEVICE)
    broken = [
        made for made in draws(300, only(chosen, near_misses_in=1), seed=3) if made.rule is rules.RETURN_RANGE
    ]
    assert len(broken) > 10
    for made in broken:
        insn = made.case.program.instructions[made.at]
        assert insn.opcode == o.EXIT | o.JMP
        assert made.case.program.instructions[made.at - 1].imm > 1


def test_places_of_a_context() -> None:
    assert (o.W, 8) in places(T.SCHED_CLS, None, "6.12", True)  # mark
    assert (o.W, 0) not in places(T.SCHED_CLS, None, "6.12", True)  # len
    assert (o.W, 76) not in places(T.SCHED_CLS, None, "6.12", False)  # data, a pointer
    assert places(T.XDP, None, "6.12", True) == ()


def test_entries_suit_their_types() -> None:
    for setting in SETTINGS:
        b = Builder(setting.type, Profile(), True, setting.attached[0])
        assert PacketEntry.COPIED not in setting.entries or b.has_helper("skb_load_bytes")
    assert {LoadFlag.SLEEPABLE} == {setting.flags for setting in SETTINGS if setting.flags}
