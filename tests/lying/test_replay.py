"""One finding of every kind shows again on the kernel that lies, and is gone on one that does not."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.campaign.store import Store
from conformance.cli.replay import replay
from conformance.kernel.jobs import Jit, Job, KernelAnswer, LossReason
from conformance.kernel.session import KernelSession
from conformance.observing.observation import Observation
from conformance.observing.opinions import QUICK
from conformance.properties.judgement import Disagreement
from conformance.properties.registry import PROPERTIES
from conformance.replaying import replayer
from conformance.replaying.restoring import read
from generators.recipes import Recipe
from tests.lying import lies
from tests.lying.asking import OLDER_ACCEPTS, judgements_of, observe, with_witness
from tests.lying.campaign import IMAGE, PROFILE, hunt
from tests.lying.kernel import LyingKernel
from tests.lying.model import ASKS_MORE
from tests.lying.recorded import Recorded
from tests.lying.test_accusations import NEAR_MISSES, UNSAFE_RECORDS, runnable
from tests.lying.test_honest import records
from tests.lying.test_transfer import CLAIMING, blinded

# In the package the name stands for the command.
replaying = sys.modules["conformance.cli.replay"]
REFUSAL = "0: (b7) r0 = 0\nR2 min value is outside of the allowed memory range\n"


@dataclass(frozen=True, slots=True)
class Scene:
    """A record of a right kernel, and the lie on which a property fires."""

    record: Recorded
    lie: lies.Lie

    def observation(self, kind: str) -> Observation:
        budget = QUICK if PROPERTIES[kind].reference else None
        return observe(
            self.record.generated, self.lie(self.record.answer), self.record.release, budget=budget
        )

    def disagreements(self, kind: str) -> Iterator[Disagreement]:
        found = judgements_of(kind, self.observation(kind), OLDER_ACCEPTS)
        return (each for each in found if isinstance(each, Disagreement) and not each.gap)


def scenes(kind: str) -> Iterator[Scene]:
    """Some on which the property may fire."""
    jit_wrong = lies.attempt(0, lies.every_run(lies.wrong_r0))
    narrowed = lies.log_line(lambda log: log.replace("umax32=255", "umax32=7").replace("umax=255", "umax=7"))
    refused = lies.refused(errno.EACCES, REFUSAL + lies.PROCESSED)
    warned = lies.splat("WARNING: CPU: 0 PID: 1 at kernel/bpf/verifier.c:1 x+0x1/0x2")
    of_kind: dict[str, tuple[list[Recorded], lies.Lie]] = {
        "soundness": (UNSAFE_RECORDS, lies.accept),
        "rule": (NEAR_MISSES, lies.accept),
        "execution": (runnable(), jit_wrong),
        "bounds": (records(), narrowed),
        "health": (records(), warned),
        "precision": (runnable(), refused),
        "regression": (runnable(), refused),
    }
    if kind == "transfer":
        yield from (Scene(record, told[1]) for record in CLAIMING if (told := blinded(record)))
        return
    chosen, lie = of_kind[kind]
    yield from (Scene(record, lie) for record in chosen)


def found(kind: str, directory: Path) -> tuple[Scene, Path]:
    """A finding of that kind, stored as a run stores it."""
    scene = next(scene for scene in scenes(kind) if any(scene.disagreements(kind)))
    disagreement = next(scene.disagreements(kind))
    observation, disagreement = with_witness(scene.observation(kind), disagreement)
    shown = replace(scene, record=replace(scene.record, generated=observation.generated))
    made = hunt(directory, LyingKernel(lambda job, answer: shown.lie(answer), [shown.record]))
    made.pursuit.deadline = 0.0
    made.pursuit.issues = ()
    made.pursue(made.door.complete(observation, PROPERTIES[kind]), disagreement)
    (finding,) = Store(directory).findings().values()
    assert finding.kind == kind
    return shown, directory / "findings" / finding.id


def answered_by(kernels: Mapping[str, LyingKernel], patch: pytest.MonkeyPatch) -> None:
    """Whoever is booted to be asked about a finding is one of these, by the name of its image."""
    patch.setattr(replayer, "fetch", lambda name: replace(IMAGE, name=name))
    patch.setattr(replayer, "Siblings", lambda names, machines: OLDER_ACCEPTS)
    patch.setattr(KernelSession, "open", lambda image, boot_args, **more: kernels[image.name].session())


def replayed(what: Path | str, kernel: LyingKernel, patch: pytest.MonkeyPatch) -> tuple[int, str]:
    patch.setattr(replaying, "names_of", lambda named: ())
    answered_by({IMAGE.name: kernel}, patch)
    done = CliRunner().invoke(replay, [str(what)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output


KINDS = [row.kind for row in PROPERTIES.values() if row.judge and row.kind not in ASKS_MORE]
"""Objects, and properties that ask about other programs, have replay tests beside their own (test_objects.py,
test_embedding.py, test_toy.py)."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_finding_shows_again_where_it_was_found(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, path = found(kind, tmp_path)
    lying = LyingKernel(lambda job, answer: scene.lie(answer), [scene.record])
    status, output = replayed(path, lying, monkeypatch)
    assert (status, "shows 3 of 3 times" in output) == (1, True), output
    status, output = replayed(path, LyingKernel(records=[scene.record]), monkeypatch)
    assert (status, "shows 0 of 3 times" in output) == (0, True), output


def test_a_finding_says_what_other_kernels_said(tmp_path: Path) -> None:
    _, path = found("precision", tmp_path)
    verdicts = read(path).verdicts
    assert [(each.kernel, each.verdict) for each in verdicts] == [
        (IMAGE.name, "reject"),
        ("sibling:6.1", "accept"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_is_not_gone(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, path = found(kind, tmp_path)
    silent = LyingKernel(lambda job, answer: lies.refused(errno.ENOMEM)(answer), [scene.record])
    status, output = replayed(path, silent, monkeypatch)
    assert status == 3, output
    assert "could not be told: no verdict" in output


Fate = Callable[[Job, KernelAnswer], KernelAnswer | LossReason]


@pytest.mark.parametrize(("reason", "kind"), [(LossReason.PANIC, "health"), (LossReason.HANG, "execution")])
def test_what_takes_the_machine_away_does_so_again(
    reason: LossReason, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = runnable()[0]

    def fatal(job: Job, answer: KernelAnswer) -> KernelAnswer | LossReason:
        return reason if any(attempt.run for attempt in job.attempts) else answer

    made = hunt(tmp_path, LyingKernel(fatal, [record], job_seconds=0.5))
    from conformance.campaign.subjects import LostSubject
    from conformance.kernel.jobs import Lost
    from conformance.observing.door import question_of

    question = question_of(PROPERTIES[kind], record.generated)
    lost = made.door.observe(question)
    assert isinstance(lost, Lost)
    subject = LostSubject(made.door, Recipe(0, (), False, PROFILE))
    for sighting in made.door.losses(question, lost, [kind]):
        made.pursuit.pursue(subject, sighting)
    (finding,) = Store(tmp_path).findings().values()
    path = tmp_path / "findings" / finding.id
    status, output = replayed(path, LyingKernel(fatal, [record], job_seconds=0.5), monkeypatch)
    assert status == 1, output
    assert replayed(path, LyingKernel(records=[record]), monkeypatch)[0] == 0
    assert Jit.ON in {attempt.jit for attempt in question.attempts}
