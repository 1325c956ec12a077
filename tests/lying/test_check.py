"""``check`` on a kernel that lies, and on one that does not: what is asked, said, and with which status it
ends."""

from __future__ import annotations

import errno
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.campaign.known import KnownIssue
from conformance.checking.patience import Patience
from conformance.cli.check import check_command
from conformance.kernel.jobs import Job, KernelAnswer, LossReason
from conformance.kernel.verdicts import Support
from ebpf.program import Program
from tests.lying import lies
from tests.lying.campaign import IMAGE
from tests.lying.kernel import JobLie, LyingKernel

# In the package the name stands for the command.
checking = sys.modules["conformance.cli.check"]
UNSAFE = "r1 = 7\nr0 = *(u64 *)(r1 +0)\nexit\n"
SAFE = "r0 = 0\nexit\n"
ISSUE = KnownIssue("known-1", ("soundness:*",), ("6.12.*",), "a cause", True)


@dataclass
class Needs:
    """A kernel's features, as far as ``check`` asks for them."""

    missing: tuple[str, ...] = ()

    def support(self, program: Program) -> Support:
        return Support(self.missing)


@dataclass
class Checked:
    """How the command ended."""

    result: Result
    kernel: LyingKernel

    @property
    def status(self) -> object:
        return self.result.return_value

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.result.stdout.splitlines()]


def accept(job: Job, answer: KernelAnswer) -> KernelAnswer:
    return lies.accept(answer)


def check(
    directory: Path,
    patch: pytest.MonkeyPatch,
    files: dict[str, str],
    *options: str,
    lie: JobLie = lambda job, answer: answer,
    missing: tuple[str, ...] = (),
    issues: tuple[KnownIssue, ...] = (),
) -> Checked:
    kernel = LyingKernel(lie, job_seconds=0.5)
    patch.setattr(checking, "names_of", lambda named, architectures: ())
    patch.setattr(checking, "images", lambda names: (IMAGE,))
    patch.setattr("conformance.observing.machines.probe", lambda session: Needs(missing))
    patch.setattr(checking.known, "load", lambda: issues)
    patch.setattr(checking.KernelSession, "open", lambda *image, **more: kernel.session())
    for name, content in files.items():
        (directory / name).write_text(content)
    paths = [str(directory / name) for name in files]
    result = CliRunner().invoke(check_command, [*options, *paths], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return Checked(result, kernel)


def test_a_bad_file_keeps_no_other_from_being_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a.s": SAFE, "b.s": "frobnicate\n", "c.s": SAFE, "d.json": "{"}
    done = check(tmp_path, monkeypatch, files, "--json")
    assert [Path(str(record["name"])).name for record in done.records] == ["a.s", "c.s"]
    complaints = done.result.stderr.splitlines()
    assert len(complaints) == 2
    assert "b.s: line 1" in complaints[0]
    assert "d.json: not JSON" in complaints[1]
    assert done.status == 2


def test_a_disagreement_weighs_more_than_a_bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = check(tmp_path, monkeypatch, {"a.s": UNSAFE, "b.s": "frobnicate\n"}, lie=accept)
    assert done.status == 1
    assert "DISAGREEMENT on " in done.result.stdout


def test_a_known_issue_is_marked_and_no_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = check(tmp_path, monkeypatch, {"a.s": UNSAFE}, lie=accept, issues=(ISSUE,))
    assert "  known: known-1 on " in done.result.stdout
    assert "DISAGREEMENT" not in done.result.stdout
    assert done.status == 0
    told = check(tmp_path, monkeypatch, {"a.s": UNSAFE}, "--json", lie=accept, issues=(ISSUE,))
    (record,) = told.records
    found = record["disagreements"]
    assert isinstance(found, list)
    assert [(each["kind"], each["known"]) for each in found] == [("soundness", "known-1")]


def test_no_verdict_of_any_kernel_is_status_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = lies.refused(errno.EINVAL, "func#0 @0\n0: (b7) r0 = 0\nno\n" + lies.PROCESSED)
    done = check(
        tmp_path, monkeypatch, {"a.s": SAFE}, lie=lambda job, answer: refused(answer), missing=("map type x",)
    )
    assert "unsupported at instruction 0 (walk): map type x: no\n" in done.result.stdout
    assert "gap" not in done.result.stdout
    assert done.status == 3
    judged = check(tmp_path, monkeypatch, {"a.s": SAFE})
    assert judged.status == 0


def test_what_hangs_only_while_it_prints_has_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prints_for_ever(job: Job, answer: KernelAnswer) -> KernelAnswer | LossReason:
        return LossReason.HANG if any(each.log_level in (1, 2) for each in job.attempts) else answer

    done = check(tmp_path, monkeypatch, {"a.s": SAFE}, lie=prints_for_ever)
    assert "  lying: accept\n" in done.result.stdout.replace(IMAGE.name, "lying")
    assert done.status == 0


def test_an_opcode_that_no_kernel_has_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel must refuse it; here it lies."""
    done = check(tmp_path, monkeypatch, {"a.hex": "ff00000000000000 9500000000000000"}, lie=accept)
    assert done.kernel.jobs[0].case.program.instructions[0].opcode == 0xFF
    assert ".8byte ff00000000000000" in done.result.stdout
    assert done.status == 1


def test_the_log_is_shown_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = "func#0 @0\n0: (b7) r0 = 0\nR3 !read_ok\n" + lies.PROCESSED
    refused = lies.refused(errno.EACCES, log)
    told = check(tmp_path, monkeypatch, {"a.s": SAFE}, "--log", lie=lambda job, answer: refused(answer))
    assert "    | R3 !read_ok" in told.result.stdout
    quiet = check(tmp_path, monkeypatch, {"a.s": SAFE}, lie=lambda job, answer: refused(answer))
    assert "    | " not in quiet.result.stdout
    (record,) = check(
        tmp_path, monkeypatch, {"a.s": SAFE}, "--log", "--json", lie=lambda job, answer: refused(answer)
    ).records
    kernels = record["kernels"]
    assert isinstance(kernels, dict)
    ((_, said),) = kernels.items()
    assert said["log"] == log
    assert said["why"]["register"] == 3


def test_a_program_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = check(tmp_path, monkeypatch, {"a.s": UNSAFE}, lie=accept)
    assert done.result.stdout.count("r0 = *(u64 *)(r1 +0)\n") == 1
    assert ">>>    1: r0 = *(u64 *)(r1 +0)" in done.result.stdout


def test_who_waits_is_told_what_for(capsys: pytest.CaptureFixture[str]) -> None:
    with Patience(12, seconds=0.01) as patience:
        patience.begin("f.o on debian:6.12")
        patience.finish()
        patience.finish()
        time.sleep(0.2)
    assert "veridiff: 2 of 12 programs; f.o on debian:6.12\n" in capsys.readouterr().err
    with Patience(12):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("lie", [accept, lambda job, answer: answer], ids=["accepted", "refused"])
def test_no_opcode_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: JobLie) -> None:
    """Every one of 256, in a program that is otherwise right, also where a kernel takes what none has."""
    program = {"type": "socket_filter", "instructions": ""}
    cases = [
        {
            "format": "veridiff-case/1",
            "name": f"{opcode:02x}",
            "program": {
                **program,
                "instructions": f"b700000000000000 {opcode:02x}01000001000000 9500000000000000".replace(
                    " ", ""
                ),
            },
        }
        for opcode in range(256)
    ]
    done = check(tmp_path, monkeypatch, {"all.json": json.dumps(cases)}, "--json", lie=lie)
    assert [record["name"] for record in done.records] == [case["name"] for case in cases]
