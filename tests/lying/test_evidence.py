"""A known issue that asks for more than a signature: what the kernel logged, and that a fixed kernel does not show it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from conformance.campaign import known
from conformance.campaign import pursuit as pursuits
from conformance.campaign.known import KnownIssue
from conformance.campaign.store import Store
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.observing import machines
from conformance.observing.door import Untold, question_of
from conformance.observing.machines import Machines
from conformance.observing.observation import Observation
from conformance.observing.opinions import QUICK
from conformance.observing.siblings import Siblings
from conformance.properties.registry import PROPERTIES
from ebpf.signature import Sameness, Signature
from reports.records import Accepts, Finding, Refuses, Status
from tests.lying import lies
from tests.lying.campaign import IMAGE, Hunt, hunt
from tests.lying.kernel import LyingKernel
from tests.lying.recorded import Recorded, everything
from tests.lying.test_campaign import accusation

WIDE = KnownIssue(
    "pruned", ("soundness:*",), ("6.12.*",), "a test", True, log="*safe*", gone_on="debian:fixed"
)
PRUNED = lies.with_line("from 4 to 6: safe")


def record() -> Recorded:
    return next(each for each in everything() if each.generated.case.name == "mask too wide")


def accepted(job: Job, answer: KernelAnswer) -> KernelAnswer:
    return lies.accept(answer)


@pytest.fixture(autouse=True)
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pursuits, "SHRINK_SECONDS", 0.0)
    monkeypatch.setattr(machines, "fetch", lambda name: replace(IMAGE, name=name))
    monkeypatch.setattr(machines, "probe", lambda session: None)


def pursued(
    directory: Path, fixed: LyingKernel, issue: KnownIssue = WIDE, times: int = 1
) -> tuple[Hunt, Finding]:
    """A hunt for what is accepted and pruned, ``fixed`` being the kernel with the fix."""
    others = Siblings((), Machines(lambda image, boot_args, **more: fixed.session()))
    one = record()
    lie = lies.both(lies.accept, PRUNED)
    made = hunt(directory, LyingKernel(lambda job, answer: lie(answer), [one]), others)
    made.pursuit.issues = (issue,)
    for _ in range(times):
        made.pursue(one.seen(lie(one.answer)), accusation(one, "soundness"))
    (finding,) = Store(directory).findings().values()
    return made, finding


def test_gone_on_the_fixed_kernel_it_is_known(tmp_path: Path) -> None:
    fixed = LyingKernel(records=[record()])
    made, finding = pursued(tmp_path, fixed, times=3)
    assert (finding.status, finding.known_as) == (Status.KNOWN, "pruned")
    assert (made.pursuit.new, made.pursuit.known) == (0, 1)
    assert len(fixed.jobs) == 3  # each is asked about: the next may be another bug


def test_there_on_the_fixed_kernel_it_is_another_bug(tmp_path: Path) -> None:
    _, finding = pursued(tmp_path, LyingKernel(accepted, [record()]))
    assert finding.status is Status.NEW


def test_a_fixed_kernel_that_cannot_tell_explains_nothing(tmp_path: Path) -> None:
    silent = LyingKernel(lambda job, answer: lies.refused(12)(answer), [record()])
    _, finding = pursued(tmp_path, silent)
    assert finding.status is Status.NEW


def test_the_log_must_show_it(tmp_path: Path) -> None:
    fixed = LyingKernel(records=[record()])
    _, finding = pursued(tmp_path, fixed, msgspec.structs.replace(WIDE, log="*never in a log*"))
    assert finding.status is Status.NEW
    assert fixed.jobs == []


def test_what_it_explained_hides_no_other_of_the_same_signature(tmp_path: Path) -> None:
    """The second program of that signature shows on the fixed kernel too."""
    told = iter([False])
    lie = lambda job, answer: answer if not next(told, True) else lies.accept(answer)  # noqa: E731 - two words
    made, finding = pursued(tmp_path, LyingKernel(lie, [record()]), times=3)
    assert finding.status is Status.NEW
    assert (made.pursuit.new, made.pursuit.known) == (1, 0)


def test_a_log_that_has_what_it_must_not_have_is_another_bug(tmp_path: Path) -> None:
    issue = msgspec.structs.replace(WIDE, log_without="*from 4 to 6*")
    _, finding = pursued(tmp_path, LyingKernel(records=[record()]), issue)
    assert finding.status is Status.NEW


def test_a_kernel_that_refuses_does_not_accept_whatever_the_oracles_know(tmp_path: Path) -> None:
    """A fixed kernel that refused counted as one that cannot tell where the reference verifier was at a loss."""
    one = record()
    door = hunt(tmp_path, LyingKernel(records=[one])).door
    question = question_of(PROPERTIES["rule"], one.generated)
    at_a_loss = replace(question, budget=replace(QUICK, queries=0))
    assert isinstance(door.observe(at_a_loss), Observation)
    signature = Signature("rule", ("map-value-bounds",), "ldx8")
    assert door.again(at_a_loss, signature, Sameness.ANY_CULPRIT, Refuses()) is None
    assert isinstance(door.again(at_a_loss, signature, Sameness.ANY_CULPRIT, Accepts("")), Untold)


def test_a_kernel_that_accepts_does_not_refuse_whatever_the_oracles_know(tmp_path: Path) -> None:
    one = next(each for each in everything() if each.answer.attempts[0].errno == 0)
    door = hunt(tmp_path, LyingKernel(records=[one])).door
    question = question_of(PROPERTIES["precision"], one.generated)
    at_a_loss = replace(question, budget=replace(QUICK, queries=0, paths=1, steps=1))
    signature = Signature("regression", ("BPF program is too large. Processed N insn", "in one version"))
    assert door.again(at_a_loss, signature, Sameness.WHOLE, Accepts("")) is None
    assert isinstance(door.again(at_a_loss, signature, Sameness.WHOLE, Refuses()), Untold)


@dataclass(frozen=True, slots=True)
class _Gone:
    """A log, and that the fixed kernel does not show it."""

    log: str

    def is_gone_on(self, kernel: str) -> bool:
        return True


@pytest.mark.parametrize(
    ("log", "issue"),
    [
        ("from 15 to 17: R0=1\n18: safe\n", "scalar-ids-pruned"),
        ("caller:\n frame1: R1=1\nreturning from callee:\n18: safe\n", "scalar-ids-pruned"),
        ("caller:\n frame1: R1=1 cb\nreturning from callee:\n18: safe\n", "callback-walked-once"),
        ("caller:\n frame1: R1=1\nreturning from callee:\n", None),
    ],
)
def test_a_function_of_the_program_is_no_callback(log: str, issue: str | None) -> None:
    found = known.find(known.load(), "rule:map-value-bounds:ldx8", "6.1.0-50-cloud-amd64", _Gone(log))
    assert (found.id if found is not None else None) == issue


def test_the_entry_that_names_the_helper_comes_first() -> None:
    log = "caller:\n frame1: R1=1 cb\nreturning from callee:\n"
    signature = "execution:kernel:call_helper(bpf_for_each_map_elem)"
    found = known.find(known.load(), signature, "6.1.0-50-cloud-amd64", _Gone(log))
    assert found is not None
    assert found.id == "inlined-map-helper-int"
