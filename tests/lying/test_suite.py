"""The suite on the lying kernel: pytest, in a process of its own, as users run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.properties.registry import PROPERTIES

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
CONFTEST = """
{first}
import pytest
from hypothesis import HealthCheck, Phase, settings
from conformance.suite.conftest import *
from tests.lying import lies
from tests.lying.asking import OLDER_ACCEPTS
from tests.lying.campaign import PROFILE
from tests.lying.kernel import LyingKernel
{lie}

settings.register_profile(
    "small", max_examples=25, phases=(Phase.generate,), deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)


def pytest_configure(config):
    settings.load_profile("small")


@pytest.fixture(scope="session")
def kernel():
    with LyingKernel(LIE).session() as session:
        yield session


@pytest.fixture(scope="session")
def siblings():
    return OLDER_ACCEPTS


@pytest.fixture(autouse=True)
def small_profile(monkeypatch):
    monkeypatch.setattr("conformance.suite.test_properties.profile_for", lambda *_: PROFILE)
"""
REFUSAL = '"0: (b7) r0 = 0\\nR2 min value is outside\\n" + lies.PROCESSED'
LIES = {
    "honest": "LIE = lambda job, answer: answer",
    "refuses": f"LIE = lambda job, answer: lies.refused(13, {REFUSAL})(answer)",
    "wrong r0": "LIE = lambda job, answer: lies.attempt(0, lies.every_run(lies.wrong_r0))(answer)",
    "silent": "LIE = lambda job, answer: lies.refused(12)(answer)",
}


@pytest.fixture(autouse=True)
def with_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def run_suite(pytester: pytest.Pytester, lie: str, kinds: list[str], first: str = "") -> pytest.RunResult:
    """The suite's property tests of some kinds, on a kernel that tells that lie."""
    pytester.makeconftest(CONFTEST.format(lie=lie, first=first))
    pytester.makepyfile(test_it="from conformance.suite.test_properties import test_property  # noqa: F401\n")
    chosen = " or ".join(f"[{kind}]" for kind in kinds)
    return pytester.runpytest_subprocess(
        "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--kernel", "lying", "-k", chosen
    )


JUDGED = ["health", "soundness", "execution", "bounds"]
"""What the model kernel answers well enough to be agreed with on valid programs."""


def test_a_right_kernel_passes(pytester: pytest.Pytester) -> None:
    run_suite(pytester, LIES["honest"], JUDGED).assert_outcomes(passed=len(JUDGED))


@pytest.mark.parametrize(("lie", "kind"), [("wrong r0", "execution"), ("refuses", "precision")])
def test_a_lie_fails_its_property(pytester: pytest.Pytester, lie: str, kind: str) -> None:
    result = run_suite(pytester, LIES[lie], [kind])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{kind}:*"])


def test_silence_fails_every_property_that_compares(pytester: pytest.Pytester) -> None:
    judging = (row for row in PROPERTIES.values() if row.judge is not None and row.in_checks)
    kinds = [row.kind for row in judging if row.kind != "health"]
    result = run_suite(pytester, LIES["silent"], kinds)
    result.assert_outcomes(failed=len(kinds))
    result.stdout.fnmatch_lines(["*nothing was compared*"])
