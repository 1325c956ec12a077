"""Runs are replayed as a whole and compared: what was only not drawn is neither new nor fixed."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from conformance.campaign.store import Store
from conformance.cli.compare import compare
from conformance.kernel.jobs import KernelAnswer
from reports import jsonl
from reports.records import Finding, KernelRun, Status
from tests.lying import lies
from tests.lying.campaign import IMAGE
from tests.lying.kernel import LyingKernel
from tests.lying.test_replay import Scene, answered_by, found, replayed
from tests.reports.samples import summary

comparing = sys.modules["conformance.cli.compare"]


def honest(answer: KernelAnswer) -> KernelAnswer:
    return answer


@dataclass(frozen=True, slots=True)
class Found:
    """Two findings of one kernel, each with the scene that shows it."""

    scenes: tuple[Scene, ...]
    findings: tuple[Finding, ...]

    def kernel(self, *lying: int) -> LyingKernel:
        """One that still gives the lies of these numbers."""
        told = {
            scene.record.generated.case.program.instructions: scene.lie
            for number, scene in enumerate(self.scenes)
            if number in lying
        }
        return LyingKernel(
            lambda job, answer: told.get(job.case.program.instructions, honest)(answer),
            [scene.record for scene in self.scenes],
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Found:
    directories = [tmp_path_factory.mktemp(kind) for kind in ("bounds", "execution")]
    stored = [
        found(kind, directory) for kind, directory in zip(("bounds", "execution"), directories, strict=True)
    ]
    findings = [msgspec.json.decode((path / "finding.json").read_bytes(), type=Finding) for _, path in stored]
    return Found(tuple(scene for scene, _ in stored), tuple(findings))


def run(directory: Path, *findings: Finding, kernel: str = IMAGE.name) -> Path:
    """A run's directory with these findings."""
    directory.mkdir()
    named = KernelRun(name=kernel, release="6.12", accelerator="tcg")
    Store(directory).save_summary(summary(kernels=(named,), cells=()))
    jsonl.append(directory / "findings.jsonl", [msgspec.structs.replace(f, kernel=kernel) for f in findings])
    return directory


def compared(
    old: Path, new: Path, kernels: Mapping[str, LyingKernel], patch: pytest.MonkeyPatch
) -> tuple[int, dict[str, list[dict[str, str]]]]:
    patch.setattr(comparing, "names_of", lambda named: ())
    answered_by(kernels, patch)
    done = CliRunner().invoke(compare, [str(old), str(new), "--json"], standalone_mode=False)
    assert done.exception is None, done.output
    return done.return_value, json.loads(done.output)


def test_a_run_is_replayed_finding_by_finding(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = run(tmp_path / "run", *made.findings)
    assert replayed(directory, made.kernel(0), monkeypatch)[0] == 1
    status, output = replayed(directory, made.kernel(), monkeypatch)
    assert (status, output.splitlines()[-1]) == (0, "0 still, 2 gone, 0 cannot tell")
    status, output = replayed(directory, made.kernel(1), monkeypatch)
    assert output.splitlines()[-1] == "1 still, 1 gone, 0 cannot tell"
    assert f"still: {made.findings[1].id}" in output
    assert f"gone: {made.findings[0].id}" in output


def test_one_that_cannot_be_told_hides_no_other(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = msgspec.structs.replace(made.findings[0], id="0" * 12, bug=None)
    directory = run(tmp_path / "run", unknown, made.findings[1])
    status, output = replayed(directory, made.kernel(1), monkeypatch)
    assert (status, output.splitlines()[-1]) == (1, "1 still, 0 gone, 1 cannot tell")
    assert "is not known to this version" in output
    assert replayed(directory, made.kernel(), monkeypatch)[0] == 3


def test_by_the_beginning_of_its_id(made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = made.findings[0]
    home = tmp_path / "veridiff-out" / "20260101-000000" / "findings" / finding.id
    home.mkdir(parents=True)
    (home / "finding.json").write_bytes(msgspec.json.encode(finding))
    monkeypatch.chdir(tmp_path)
    status, output = replayed(finding.id[:6], made.kernel(0), monkeypatch)
    assert (status, f"still: {finding.id}" in output) == (1, True), output


def test_what_was_not_drawn_again_is_fixed_only_where_it_is_gone(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = run(tmp_path / "old", *made.findings), run(tmp_path / "new")
    status, groups = compared(old, new, {IMAGE.name: made.kernel(0)}, monkeypatch)
    assert [each["id"] for each in groups["still there"]] == [made.findings[0].id]
    assert "the new run did not draw it" in groups["still there"][0]["note"]
    assert [each["id"] for each in groups["fixed"]] == [made.findings[1].id]
    assert (status, groups["new"], groups["cannot tell"]) == (0, [], [])


def test_what_cannot_be_asked_is_not_fixed(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = run(tmp_path / "old", *made.findings), run(tmp_path / "new")
    silent = replace(made.kernel(), lie=lambda job, answer: lies.refused(errno.ENOMEM)(answer))
    status, groups = compared(old, new, {IMAGE.name: silent}, monkeypatch)
    assert (status, len(groups["cannot tell"]), groups["fixed"]) == (3, 2, [])


def test_on_another_kernel_the_old_one_is_asked(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = run(tmp_path / "old", kernel="base"), run(tmp_path / "new", *made.findings, kernel="patched")
    status, groups = compared(old, new, {"base": made.kernel(1)}, monkeypatch)
    assert [each["id"] for each in groups["new"]] == [made.findings[0].id]
    assert groups["new"][0]["note"] == "base does not show it"
    assert [each["id"] for each in groups["still there"]] == [made.findings[1].id]
    assert status == 1


def test_a_known_issue_is_nothing_new(made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = msgspec.structs.replace(made.findings[0], status=Status.KNOWN, known_as="x")
    old, new = run(tmp_path / "old"), run(tmp_path / "new", known)
    status, groups = compared(old, new, {}, monkeypatch)
    assert (status, [each["status"] for each in groups["new"]]) == (0, ["known"])


def test_boot_arguments_make_another_kernel(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stands for a kernel with another command line where a run has several."""
    armed = msgspec.structs.replace(made.findings[0], id="1" * 12, boot_args=("bug=1",))
    old, new = run(tmp_path / "old", made.findings[0], armed), run(tmp_path / "new", made.findings[0])
    status, groups = compared(old, new, {}, monkeypatch)
    assert (status, [each["id"] for each in groups["cannot tell"]]) == (3, [armed.id])
