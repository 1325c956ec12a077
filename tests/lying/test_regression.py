"""Regression fires where two builds of one version differ, and where a newer version refuses or walks more; a
documented change and progress accuse nobody."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conformance.kernel.jobs import KernelAnswer, KernelVerdict, Loaded
from conformance.kernel.verdicts import Ruling
from conformance.observing.opinions import QUICK
from conformance.observing.siblings import SiblingRuling, Siblings
from conformance.properties import regression
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.program import Case
from ebpf.releases import Release
from ebpf.rules import Phase
from generators.programs import Generated
from reports.records import Accepts, Refuses
from tests.lying import lies, small
from tests.lying.asking import judgements_of, observe

ACCEPT, REJECT = KernelVerdict.ACCEPT, KernelVerdict.REJECT
MESSAGE = "R2 min value is outside of the allowed memory range"
SHAPE = "R min value is outside of the allowed memory range"
REFUSED = KernelAnswer((Loaded(13, f"0: (b7) r0 = 0\n{MESSAGE}\n" + lies.PROCESSED),))
SAFE = small.program("r0 = 0\nexit", 1)
LOOPS = small.program("r1 = 5\nr2 = subprog[+5]\nr3 = 0\nr4 = 0\ncall bpf_loop#181\nexit\nr0 = 0\nexit", 1)


def accepted(processed: int = 7) -> KernelAnswer:
    return KernelAnswer((Loaded(0, lies.PROCESSED, verified=processed),))


@dataclass
class Told(Siblings):
    """One sibling, and what it says."""

    release: str
    ruling: Ruling
    processed: int = 7

    def ask(self, case: Case, *, logged: bool) -> tuple[SiblingRuling, ...]:
        release = Release.parse(self.release)
        return (SiblingRuling("debian:other", release, self.ruling, False, self.processed),)


def said(
    answer: KernelAnswer, sibling: Siblings, generated: Generated = SAFE, release: str = "7.3.4"
) -> Judgement:
    observation = observe(generated, answer, release, budget=QUICK)
    (judgement,) = judgements_of(regression.KIND, observation, sibling)
    return judgement


def signature(judgement: Judgement) -> str:
    assert isinstance(judgement, Disagreement)
    return str(judgement.signature)


def test_builds_of_one_version_agree_on_the_verdict() -> None:
    refuses = said(REFUSED, Told("7.3.4", Ruling(ACCEPT)))
    assert signature(refuses) == f"regression:{SHAPE}:in one version"
    assert isinstance(refuses, Disagreement)
    assert refuses.right == Accepts(MESSAGE)
    accepts = said(accepted(), Told("7.3.4", Ruling(REJECT, message=MESSAGE)))
    assert signature(accepts) == f"regression:{SHAPE}:in one version"
    assert isinstance(accepts, Disagreement)
    assert accepts.right == Refuses(message=MESSAGE)
    assert said(accepted(), Told("7.3.4", Ruling(ACCEPT))) == Agreement()


def test_builds_of_one_version_agree_on_the_phase_and_the_cost() -> None:
    other = said(REFUSED, Told("7.3.4", Ruling(REJECT, message=MESSAGE, phase=Phase.CFG)))
    assert signature(other) == f"regression:phase:{Phase.WALK.value}:{Phase.CFG.value}"
    assert said(REFUSED, Told("7.3.4", Ruling(REJECT, message=MESSAGE, phase=Phase.WALK))) == Agreement()
    assert signature(said(accepted(2_000), Told("7.3.4", Ruling(ACCEPT)))).startswith("regression:cost")
    assert said(accepted(900), Told("7.3.4", Ruling(ACCEPT))) == Agreement()


def test_a_newer_version_that_refuses_what_is_safe() -> None:
    found = said(REFUSED, Told("6.12.3", Ruling(ACCEPT)))
    assert signature(found) == f"regression:{SHAPE}:after 6.12"
    unsafe = small.program("r0 = *(u64 *)(r10 +8)\nexit", 1)
    assert isinstance(said(REFUSED, Told("6.12.3", Ruling(ACCEPT)), unsafe), Abstention)


def test_a_documented_change_accuses_nobody() -> None:
    reserved = KernelAnswer((Loaded(22, "BPF_LDX uses reserved fields\n" + lies.PROCESSED),))
    judgement = said(reserved, Told("6.12.3", Ruling(ACCEPT)))
    assert isinstance(judgement, Abstention)
    assert judgement.reason.startswith("a documented change")


def test_progress_accuses_nobody() -> None:
    refusing = Told("6.12.3", Ruling(REJECT, message=MESSAGE))
    assert said(accepted(), refusing) == Abstention("progress: 6.12 refuses it")
    assert said(accepted(), Told("7.4", Ruling(REJECT))) == Abstention("no other kernel has a verdict")


@pytest.mark.parametrize(
    ("older", "processed", "program", "accused"),
    [
        ("6.12.3", 100_000, SAFE, True),
        ("6.12.3", 19_000, SAFE, False),
        ("6.12.3", 100_000, LOOPS, True),
        ("6.1.3", 100_000, SAFE, True),
        ("6.1.3", 100_000, LOOPS, False),
    ],
)
def test_a_newer_version_that_walks_many_times_as_much(
    older: str, processed: int, program: Generated, accused: bool
) -> None:
    """Callbacks are walked until nothing new comes of it since 6.7."""
    judgement = said(accepted(processed), Told(older, Ruling(ACCEPT)), program)
    assert isinstance(judgement, Disagreement) == accused


@pytest.mark.parametrize(
    "message",
    [
        "unknown func bpf_x#999",
        "Only fmod_ret programs can only be sleepable",
        "R1 is of type mptcp_sock but sock_common is expected",
    ],
)
def test_how_a_machine_is_set_up_accuses_nobody(message: str) -> None:
    refused = KernelAnswer((Loaded(22, f"0: (85) call 1\n{message}\n" + lies.PROCESSED),))
    assert isinstance(said(refused, Told("7.3.4", Ruling(ACCEPT))), Abstention)
    assert isinstance(said(accepted(), Told("7.3.4", Ruling(REJECT, message=message))), Abstention)
