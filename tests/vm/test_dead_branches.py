"""What several instructions together say of a number, kernels know; and the over-rejection of 7.2 and 7.3
that dead branches show (docs/known-issues.md)."""

from __future__ import annotations

import pytest

from conformance.kernel.features import probe
from conformance.kernel.jobs import Attempt, Job, KernelVerdict, Lost
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from ebpf.isa import opcodes as o
from ebpf.releases import Release, Since
from generators.profiles import profile_for
from tests.generators.dead_branches import dead_branches

pytestmark = pytest.mark.vm

MANY = 300
TESTS_OF_BITS = {o.JSET | o.K | o.JMP, o.JSET | o.K | o.JMP32}


def test_dead_branches_are_seldom_walked(kernel: KernelSession) -> None:
    features = probe(kernel)
    cases = list(dead_branches(MANY, profile_for(features.release)))
    refused = []
    for case, answer in zip(
        cases, kernel.run_all([Job(case, (Attempt(run=False),)) for case in cases]), strict=True
    ):
        assert not isinstance(answer, Lost)
        ruling = judge_answer(answer, 0, features.support(case.program))
        if ruling.verdict is not KernelVerdict.ACCEPT:
            assert ruling.message == "R5 invalid mem access 'scalar'"
            refused.append({insn.opcode for insn in case.program.instructions})
    assert len(refused) <= MANY // 50
    # A test of bits makes all kernels forget the ranges; that an OR sets bits, only 7.2 and 7.3 forget.
    forgotten = [opcodes for opcodes in refused if not TESTS_OF_BITS & opcodes]
    assert bool(forgotten) is (Release.parse(features.release) in Since("7.2"))
