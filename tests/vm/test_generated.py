"""Programs meant to be valid are accepted, with goals among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from conformance.kernel.features import probe
from conformance.kernel.jobs import Attempt, Job, KernelVerdict, Lost
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from generators.profiles import profile_for
from tests.generators.drawing import draws

pytestmark = pytest.mark.vm

GOALS = {
    "goal", "locked-change", "callback-loop", "callback-elements", "kernel-function", "section", "iterator",
    "dynptr",
}  # fmt: skip
LEAST = 0.95


def test_valid_programs_with_goals_are_accepted(kernel: KernelSession) -> None:
    features = probe(kernel)
    profile = replace(
        profile_for(features.release), near_misses_in=0, daring_in=0, unprivileged_in=0, inputs=1
    )
    asked = [made for made in draws(400, profile, seed=9) if GOALS & set(made.productions)]
    answers = kernel.run_all([Job(made.case, (Attempt(run=False),)) for made in asked])
    refused = Counter[str]()
    for made, answer in zip(asked, answers, strict=True):
        assert not isinstance(answer, Lost), (answer.reason, made.productions)
        ruling = judge_answer(answer, 0, features.support(made.case.program))
        if ruling.verdict is not KernelVerdict.ACCEPT:
            refused[ruling.message or ruling.reason] += 1
    assert len(asked) > 200
    assert refused.total() <= (1 - LEAST) * len(asked), refused
