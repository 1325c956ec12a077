"""What helpers take (row 3): each call that the generator may make is one that the kernel accepts."""

from __future__ import annotations

import pytest

from conformance.kernel.features import probe
from conformance.kernel.jobs import Attempt, Job, KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_rules import map_refusal
from generators.builder import Builder
from generators.dice import Dice
from generators.epilogue import epilogue
from generators.productions.helpers import call, offered
from generators.profiles import profile_for
from generators.prologues import prologue
from generators.settings import SETTINGS, Setting

pytestmark = pytest.mark.vm

MAPS = (
    MapSpec(MapType.ARRAY, 4, 64, 2), MapSpec(MapType.HASH, 4, 16, 4), MapSpec(MapType.QUEUE, 0, 16, 4),
    MapSpec(MapType.ARRAY, 4, 16, 4),
)  # fmt: skip
DICE = (0, 0x5DEECE66D1234567890ABCDEF, (1 << 160) - 1)
"""The simplest arguments, and others."""


def calls(setting: Setting, release: str) -> list[tuple[str, Case]]:
    """A program for each helper that the type has, and for each of the dice."""
    made = []
    for attach in setting.attached:
        for number in range(len(offered(_builder(setting, release, 0)))):
            for left in DICE:
                b = _builder(setting, release, setting.attached.index(attach))
                prologue(b, Dice(left), setting.entries[-1])
                prototypes = offered(b)
                if number < len(prototypes) and call(b, Dice(left), prototypes[number]):
                    epilogue(b, Dice(0))
                    program = Program(
                        b.type,
                        tuple(b.insns),
                        tuple(b.maps),
                        b.attach_type,
                        setting.attach_to,
                        flags=setting.flags,
                    )
                    made.append((prototypes[number].name, Case(program)))
    return made


def _builder(setting: Setting, release: str, attached: int) -> Builder:
    b = Builder(setting.type, profile_for(release), True, setting.attached[attached])
    b.maps = [
        spec for spec in MAPS if map_refusal(Program(b.type, (), flags=setting.flags), spec, release) is None
    ]
    return b


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.type.name.lower())
def test_row_03_prototypes_are_the_kernels(kernel: KernelSession, setting: Setting) -> None:
    features = probe(kernel)
    if not profile_for(features.release).knows(setting.since):
        pytest.skip(f"{features.release} has no {setting.type.name.lower()} programs")
    asked = calls(setting, features.release)
    refused = {}
    for (name, case), answer in zip(
        asked, kernel.run_all([Job(case, (Attempt(run=False),)) for _, case in asked]), strict=True
    ):
        ruling = judge_answer(answer, 0, features.support(case.program))
        if ruling.verdict is not KernelVerdict.ACCEPT:
            refused[name] = ruling.message or ruling.reason
    assert refused == {}
    assert len(asked) > 40
