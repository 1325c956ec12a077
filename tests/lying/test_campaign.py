"""A campaign against a kernel that lies: found, confirmed, shrunk, told apart, stored; and against one that
does not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign import pursuit as pursuits
from conformance.campaign.events import CandidateSeen
from conformance.campaign.known import KnownIssue
from conformance.campaign.store import Store
from conformance.campaign.subjects import ProgramSubject
from conformance.campaign.tally import Tally
from conformance.cli.run import status
from conformance.kernel.jobs import Jit, Job, KernelAnswer, LossReason
from conformance.observing.door import Sighting
from conformance.properties.judgement import Disagreement
from ebpf import casefile
from ebpf.isa import opcodes as o
from ebpf.program_types import ProgramType
from ebpf.signature import Signature
from generators.programs import Generated, Purpose
from generators.recipes import Recipe
from reports import directory as directories
from reports.records import CellState, Finding, Reproduced, Status
from reports.write import write_reports
from tests.lying import lies, model
from tests.lying.asking import judgements_of, observe
from tests.lying.campaign import PROFILE, Ran, hunt, ran
from tests.lying.kernel import JobLie, LyingKernel
from tests.lying.recorded import Recorded, everything

ARSH32 = (o.ARSH | o.K | o.ALU, o.ARSH | o.X | o.ALU)


def wrong_jit(*opcodes: int) -> JobLie:
    """The JIT, hardened or not, gets instructions with these opcodes wrong."""

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer:
        with model.wrong_operation(*opcodes):
            runs = model.runs(model.outcomes(job.case))
        return replace(
            answer,
            attempts=tuple(
                replace(loaded, runs=runs) if attempt.jit is not Jit.OFF and loaded.runs else loaded
                for attempt, loaded in zip(job.attempts, answer.attempts, strict=True)
            ),
        )

    return lie


def always(lie: lies.Lie) -> JobLie:
    return lambda job, answer: lie(answer)


def stored(path: Path) -> list[Finding]:
    return list(Store(path).findings().values())


@pytest.fixture(autouse=True)
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pursuits, "SHRINK_SECONDS", 3.0)


def test_a_right_kernel_is_accused_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ran(tmp_path, LyingKernel(), monkeypatch, kinds=("health", "soundness", "execution"), examples=60)
    assert stored(tmp_path) == []
    assert not (tmp_path / "candidates.jsonl").exists()
    assert status(run.summary) == 0
    assert run.summary.complete
    assert run.summary.programs.judged == 60
    judged = {cell.kind: cell.judged for cell in run.summary.cells}
    assert judged["health"] == 60
    # Daring programs may be refused.
    assert judged["soundness"] > 0.9 * 60
    # What a helper returns can often not be foretold.
    assert judged["execution"] > 0.6 * 60


@pytest.fixture(scope="module")
def arsh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """A run on a kernel whose JIT gets a 32-bit arithmetic shift wrong."""
    directory = tmp_path_factory.mktemp("arsh")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pursuits, "SHRINK_SECONDS", 4.0)
        return directory, ran(
            directory, LyingKernel(wrong_jit(*ARSH32)), patch, kinds=("execution",), examples=80
        )


def test_a_wrong_jit_is_found_and_the_instruction_named(arsh: tuple[Path, Ran]) -> None:
    directory, run = arsh
    found = stored(directory)
    assert found
    for finding in found:
        assert (
            finding.signature in {"execution:JIT:arsh32_k", "execution:JIT:arsh32_x", "execution:JIT:arsh32"}
            or "arsh32" in finding.signature
        )
        culprit = next(row for row in finding.listing if row.culprit)
        assert "s>>= " in culprit.text
        assert culprit.text.startswith("w")
        assert finding.status is Status.NEW
        assert finding.reproduced is not None
        assert (finding.reproduced.times, finding.reproduced.attempts) == (3, 3)
        assert finding.outcome.startswith("returned r0 = ")
    assert status(run.summary) == 1
    assert run.summary.findings_new == len(found) <= 2


def test_what_is_found_is_small(arsh: tuple[Path, Ran]) -> None:
    directory, run = arsh
    candidates = [json.loads(line) for line in (directory / "candidates.jsonl").read_text().splitlines()]
    smallest = min(len(casefile.from_plain(one["case"]).program.instructions) for one in candidates)
    small = min(len(casefile.from_plain(finding.case).program.instructions) for finding in stored(directory))
    assert small <= smallest
    assert small < 20
    assert run.summary.programs.median_instructions > 20


def test_every_report_can_be_written(arsh: tuple[Path, Ran]) -> None:
    directory, _ = arsh
    write_reports(directory)
    assert (directory / "index.html").exists()
    assert {finding.id for finding in directories.load(directory).findings} == {
        finding.id for finding in stored(directory)
    }


def test_one_bug_does_not_hide_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pursuits, "SHRINK_SECONDS", 2.0)
    ran(
        tmp_path,
        LyingKernel(wrong_jit(*ARSH32, o.NEG | o.ALU64)),
        monkeypatch,
        kinds=("execution",),
        examples=120,
    )
    names = {finding.signature.rsplit(":", 1)[1] for finding in stored(tmp_path)}
    assert any("arsh32" in name for name in names)
    assert any("neg" in name for name in names), names


def test_a_candidate_is_on_disk_before_anything_else(tmp_path: Path) -> None:
    record = next(r for r in everything() if r.generated.case.name == "mask too wide")
    there: list[bool] = []

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer:
        there.append((tmp_path / "candidates.jsonl").exists())
        return lies.accept(answer)

    made = hunt(tmp_path, LyingKernel(lie, [record]))
    made.pursue(record.seen(lies.accept(record.answer)), accusation(record, "soundness"))
    assert len(there) >= 3
    assert all(there)


def test_a_lie_told_once_is_not_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: Counter[bytes] = Counter()

    def once(job: Job, answer: KernelAnswer) -> KernelAnswer:
        key = repr(job.case.program.instructions).encode()
        told[key] += 1
        return answer if told[key] > 1 else lies.attempt(0, lies.every_run(lies.wrong_r0))(answer)

    run = ran(tmp_path, LyingKernel(once), monkeypatch, kinds=("execution",), examples=30)
    assert (tmp_path / "candidates.jsonl").exists()
    assert stored(tmp_path) == []
    assert run.worker.pursuit.new == 0
    assert status(run.summary) == 0


def test_a_lie_told_now_and_then_says_how_often(tmp_path: Path) -> None:
    record = next(
        r
        for r in everything()
        if r.generated.case.name == "null" or r.generated.case.name == "unchecked lookup"
    )
    told = iter([True, False, True, *[True] * 10_000])
    kernel = LyingKernel(lambda job, answer: lies.accept(answer) if next(told) else answer, [record])
    made = hunt(tmp_path, kernel)
    made.pursuit.deadline = 0.0  # no time to reduce
    what = accusation(record, "soundness")
    made.pursue(record.seen(lies.accept(record.answer)), what)
    (finding,) = stored(tmp_path)
    assert finding.reproduced is not None
    assert (finding.reproduced.times, finding.reproduced.attempts) == (2, 3)
    assert finding.should_accept is False
    assert finding.verdicts[0].verdict == "accept"


def accusations_of(record: Recorded, kind: str) -> list[Disagreement]:
    return [
        j for j in judgements_of(kind, record.seen(lies.accept(record.answer))) if isinstance(j, Disagreement)
    ]


def accusation(record: Recorded, kind: str) -> Disagreement:
    return accusations_of(record, kind)[0]


@pytest.mark.parametrize("kind", ["soundness", "rule"])
def test_an_unsafe_program_accepted_is_stored_once(tmp_path: Path, kind: str) -> None:
    chosen = {"soundness": "mask too wide", "rule": "invalid-shift"}[kind]
    records = [
        r
        for r in everything()
        if chosen in (r.generated.case.name, str(r.generated.rule)) and accusations_of(r, kind)
    ]
    made = hunt(tmp_path, LyingKernel(always(lies.accept), records))
    for _ in range(2):
        for record in records:
            made.pursue(record.seen(lies.accept(record.answer)), accusation(record, kind))
    signatures = [finding.signature for finding in stored(tmp_path)]
    assert signatures
    assert len(signatures) == len(set(signatures)) == made.pursuit.new
    asked = sum(isinstance(event, CandidateSeen) for event in made.line.events)
    assert asked <= len(records)


def test_a_family_is_pursued_so_often_and_no_more(tmp_path: Path) -> None:
    record = next(r for r in everything() if r.generated.case.name == "mask too wide")
    made = hunt(tmp_path, LyingKernel(always(lies.accept), [record]))
    made.pursuit.deadline = 0.0
    seen, what = record.seen(lies.accept(record.answer)), accusation(record, "soundness")

    class Shown(ProgramSubject):
        def confirm(self, sighting: Sighting) -> Reproduced:
            return Reproduced(3, 3)

    for number in range(6):
        other = replace(what, signature=Signature("soundness", ("map-value-bounds",), f"form{number}"))
        made.pursuit.pursue(Shown(made.door, Recipe(0, (), False, PROFILE)), Sighting(seen, other))
    assert made.pursuit.new == pursuits.FAMILY_LIMIT == len(stored(tmp_path))
    assert sum(isinstance(event, CandidateSeen) for event in made.line.events) == pursuits.FAMILY_LIMIT


def test_a_known_issue_is_marked_and_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "REG INVARIANTS VIOLATION (true_reg2): range bounds violation u64=[0x1, 0x0]"
    run = ran(
        tmp_path, LyingKernel(always(lies.with_line(line))), monkeypatch, kinds=("health",), examples=30
    )
    (finding,) = stored(tmp_path)
    assert (finding.status, finding.known_as) == (Status.KNOWN, "reg-invariants")
    assert finding.explanation
    assert (run.summary.findings_new, run.summary.findings_known) == (0, 1)
    assert status(run.summary) == 0


def test_what_turns_out_to_be_known_is_not_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issue = KnownIssue("shift", ("execution:JIT:arsh32*",), ("6.12.*",), "a test", True)
    monkeypatch.setattr("conformance.campaign.known.load", lambda: (issue,))
    run = ran(tmp_path, LyingKernel(wrong_jit(*ARSH32)), monkeypatch, kinds=("execution",), examples=150)
    assert {finding.status for finding in stored(tmp_path)} == {Status.KNOWN}
    assert (run.worker.pursuit.new, run.summary.findings_new) == (0, 0)
    assert status(run.summary) == 0


def test_a_panic_is_a_finding_and_a_garbled_answer_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guilty: list[object] = []

    def lie(job: Job, answer: KernelAnswer) -> KernelAnswer | LossReason:
        if not guilty and len(job.case.program.instructions) > 20:
            guilty.append(job.case.program.instructions)
        return LossReason.PANIC if job.case.program.instructions in guilty and job.attempts[0].run else answer

    run = ran(tmp_path, LyingKernel(lie), monkeypatch, kinds=("health",), examples=30)
    (finding,) = stored(tmp_path)
    assert finding.signature == "health:lost:panic"
    assert [loss.reason for loss in run.summary.losses] == ["panic"]
    assert run.count("lost") == 1


def test_too_little_judged_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ran(tmp_path, LyingKernel(always(lies.refused(28))), monkeypatch, kinds=("soundness",), examples=20)
    assert run.summary.cells[0].state is CellState.BELOW_FLOOR
    assert status(run.summary) == 3


def test_an_interrupted_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ran(tmp_path, LyingKernel(), monkeypatch, kinds=("health",), examples=10, interrupted=True)
    assert not run.summary.complete
    assert run.summary.incomplete_because == "interrupted"
    assert json.loads((tmp_path / "run.json").read_text())["complete"] is False
    assert status(run.summary) == 130


def test_a_line_cut_short_costs_that_line_only(arsh: tuple[Path, Ran], tmp_path: Path) -> None:
    directory, _ = arsh
    for name in ("findings.jsonl", "run.json"):
        (tmp_path / name).write_bytes((directory / name).read_bytes())
    whole = stored(tmp_path)
    with (tmp_path / "findings.jsonl").open("ab") as file:
        file.write(b'{"id": "abc", "ki')
    assert stored(tmp_path) == whole
    assert len(directories.load(tmp_path).findings) == len(whole)


def test_executed_forms_are_counted_by_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form counts for each engine that ran a program whose run executes it."""
    run = ran(tmp_path, LyingKernel(), monkeypatch, kinds=("execution",), examples=20)
    rows = {row.form: row for row in run.summary.forms}
    assert rows["exit"].jit > 0
    assert rows["exit"].interpreter > 0
    assert all(row.jit + row.interpreter > 0 for row in rows.values())
    assert "callx" not in rows


def test_a_test_run_of_what_is_attached_executes_none_of_it() -> None:
    """The kernel calls the function that the program would be attached to, and says that all went well."""
    accepted = (each for each in everything() if each.answer.attempts[0].errno == 0)
    record = next(each for each in accepted if each.answer.attempts[0].runs)
    case = record.generated.case
    tracing = replace(case, program=replace(case.program, type=ProgramType.TRACING))
    for asked, counts in ((case, True), (tracing, False)):
        tally = Tally()
        tally.runs(observe(Generated(asked, Purpose.VALID), record.answer))
        assert bool(tally.executed) is counts
