"""Every callee of a program's type gets its turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from conformance.campaign.reach import callees_in
from ebpf.callees import callees_of
from ebpf.helpers.by_type import UNLISTED
from ebpf.program import LoadFlag
from ebpf.program_rules import OWN_STACKS
from ebpf.program_types import ProgramType as T
from generators.goals.aims import aims
from generators.goals.callees import Caller
from generators.profiles import Profile
from generators.settings import SETTINGS, Setting
from tests.generators.drawing import VALID, draws

RELEASE = "7.3.4"
AIMED = replace(VALID, linux=(7, 3), unprivileged_in=0, inputs=1, aims_in=1)


def caller(setting: Setting) -> Caller:
    sleeps = LoadFlag.SLEEPABLE in setting.flags
    return Caller(setting.type, setting.attached[0], setting.attach_to, sleepable=sleeps, may_sleep=sleeps)


@pytest.mark.parametrize("setting", [each for each in SETTINGS if each.type not in UNLISTED], ids=str)
def test_what_a_type_lacks_is_no_aim(setting: Setting) -> None:
    found = set(aims(caller(setting)))
    assert found <= callees_of(setting.type, RELEASE)
    assert len(found) > 60


@pytest.mark.parametrize("kind", [T.XDP, T.SOCK_OPS, T.NETFILTER])
def test_each_aim_is_reached(kind: T) -> None:
    chosen = tuple(setting for setting in SETTINGS if setting.type is kind)
    called = Counter[str]()
    for made in draws(150, replace(AIMED, settings=chosen), seed=3):
        called.update(callees_in(made.case.program))
    wanted = aims(caller(chosen[0]))
    assert len(called.keys() & set(wanted)) > 0.9 * len(wanted), set(wanted) - called.keys()


def test_types_are_drawn_evenly() -> None:
    kinds = Counter(made.case.program.type for made in draws(400, AIMED, seed=5))
    assert kinds[T.SOCKET_FILTER] < 40
    assert kinds.keys() == {setting.type for setting in SETTINGS}


def test_a_program_of_an_old_kernel_has_aims_of_its_own() -> None:
    old, new = (aims(Caller(T.XDP, linux=linux)) for linux in ((6, 1), (7, 3)))
    assert "user_ringbuf_drain" in old
    assert "cgrp_storage_get" in set(new) - set(old)


def test_nothing_is_thrown_where_the_stack_may_lie_elsewhere() -> None:
    thrown = Counter[bool]()
    for made in draws(300, AIMED, seed=7):
        thrown[made.case.program.type in OWN_STACKS] += "bpf_throw" in callees_in(made.case.program)
    assert thrown[True] == 0
    assert thrown[False] >= 10


def test_without_privilege_there_are_no_aims() -> None:
    profile = Profile(linux=(7, 3), unprivileged_in=1, near_misses_in=0, daring_in=0, inputs=1)
    assert not any("aim" in made.productions for made in draws(60, profile))
