"""Which kernel functions a kernel has, and which types may call them: by our tables and by the kernel, for
every pair."""

from __future__ import annotations

import re

import pytest

from conformance.kernel.features import probe
from conformance.kernel.jobs import Attempt, Job, KernelAnswer
from conformance.kernel.session import KernelSession
from ebpf.isa.build import R0, call_kfunc, leave, mov64
from ebpf.kfuncs import KFUNCS, Hook, KernelFunction
from ebpf.program import Case, Program
from ebpf.releases import Since, at_least
from generators.settings import SETTINGS, Setting

pytestmark = pytest.mark.vm
NOT_ALLOWED = re.compile(r"^calling kernel function \w+ is not allowed", re.MULTILINE)
"""kernel/bpf/verifier.c, check_kfunc_call and fetch_kfunc_meta."""


def calling(function: KernelFunction, setting: Setting) -> Program:
    code = (call_kfunc(), mov64(R0, 0), leave())
    kfuncs = ((0, function.name),)
    return Program(
        setting.type, code, (), setting.attached[0], setting.attach_to, flags=setting.flags, kfuncs=kfuncs
    )


def allows(answer: KernelAnswer) -> bool:
    """Whether the kernel has something else against the call than that the type may not make it, or
    nothing."""
    return NOT_ALLOWED.search(answer.attempts[0].log) is None


def test_every_type_and_kernel_function(kernel: KernelSession) -> None:
    release = probe(kernel).release
    if not at_least(release, "6.12"):
        pytest.skip(f"the tables begin with Linux 6.12, and this is {release}")
    functions = [function for function in KFUNCS.values() if function.hook is not Hook.NONE]
    pairs = [(function, setting) for function in functions for setting in SETTINGS]
    jobs = [Job(Case(calling(*pair)), (Attempt(run=False),)) for pair in pairs]
    differing, allowed = [], 0
    for (function, setting), answer in zip(pairs, kernel.run_all(jobs), strict=True):
        assert isinstance(answer, KernelAnswer)
        there = answer.missing is None
        if there != (release in Since(function.since)):
            differing.append((function.name, "in the kernel's BTF" if there else "in the table"))
        elif there and allows(answer) != function.hook.allows(setting.type, release):
            differing.append((function.name, setting.type.name))
        allowed += there and allows(answer)
    assert differing == []
    assert allowed > 200
