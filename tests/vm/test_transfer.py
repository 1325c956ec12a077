"""Experiments on real kernels: all are accepted, a right kernel is agreed with, and one with a planted bug is
not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.kernel.images import fetch
from conformance.kernel.jobs import KernelAnswer
from conformance.kernel.session import KernelSession
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts, Question
from conformance.properties.judgement import Abstention, Disagreement, Judgement
from generators.experiments import WIDTH, build
from generators.profiles import profile_for
from tests.lying.asking import judgements_of, with_witness

pytestmark = pytest.mark.vm


def judged(kernel: KernelSession, count: int) -> Iterator[tuple[Observation, Judgement]]:
    profile = replace(profile_for(kernel.hello.release), experiments_in=1, unprivileged_in=6)
    rng = random.Random(1)
    made = [
        build(rng.getrandbits(64), [rng.getrandbits(WIDTH) for _ in range(3)], profile) for _ in range(count)
    ]
    questions = [Question(each, Attempts.LOAD.value, None) for each in made]
    for question, answer in zip(questions, kernel.run_all(q.job for q in questions), strict=True):
        assert isinstance(answer, KernelAnswer)
        seen = Observation(question, answer, kernel.hello.release)
        assert seen.accepted, seen.ruling
        for judgement in judgements_of("transfer", seen):
            yield seen, judgement


def test_a_right_kernel_is_agreed_with(kernel: KernelSession) -> None:
    said: Counter[str] = Counter()
    for _, judgement in judged(kernel, 120):
        assert not isinstance(judgement, Disagreement), judgement
        said[judgement.reason if isinstance(judgement, Abstention) else "agreed"] += 1
    assert said["agreed"] > 0.97 * said.total()
    assert said["not confirmed by the interpreter"] == 0


@pytest.mark.shared
@pytest.mark.parametrize(("bug", "form"), [(9, "movsx32"), (3, "or"), (20, "jgt")])
def test_a_planted_bug_is_found(bugbench: Path, bug: int, form: str) -> None:
    with KernelSession.open(fetch(str(bugbench / "bzImage-bugs")), (f"bugbench={bug}",)) as kernel:
        found = next((seen, what) for seen, what in judged(kernel, 400) if isinstance(what, Disagreement))
    _, what = with_witness(*found)
    assert what.signature.culprit.startswith(form)
    assert what.input is not None
