"""What a run does in the end: new findings are asked of other kernels, held against a baseline, and local known issues
that it did not see are replayed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from conformance.campaign.epilogue import BASELINE, Epilogue, issues_of
from conformance.campaign.known import KnownIssue, find, load_local
from conformance.kernel.identity import KernelIdentity
from conformance.replaying.replayer import Replayer
from ebpf.errors import InputError
from reports.directory import load
from reports.records import Status
from tests.lying.campaign import IMAGE
from tests.lying.kernel import LyingKernel
from tests.lying.test_compare import Found, made, run
from tests.lying.test_replay import answered_by

__all__ = ["made"]
HERE = KernelIdentity(IMAGE.name)


def epilogue(kernels: Mapping[str, LyingKernel], patch: pytest.MonkeyPatch) -> Epilogue:
    answered_by(kernels, patch)
    return Epilogue(Replayer(), lambda words: None)


def test_a_finding_is_asked_of_every_kernel(made: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    last = epilogue({"right": made.kernel(), "wrong": made.kernel(0, 1)}, monkeypatch)
    others = [HERE, KernelIdentity("right"), KernelIdentity("wrong", ("bug=1",))]
    for finding in last.ask_everywhere(made.findings, others):
        told = {each.kernel: (each.shows, each.verdict) for each in finding.verdicts if each.shows}
        assert told == {"right": ("gone", "accept"), "wrong (bug=1)": ("still", "accept")}


def test_what_the_kernel_of_the_baseline_shows_is_known(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = load(run(tmp_path / "base", kernel="base"))
    last = epilogue({"base": made.kernel(1)}, monkeypatch)
    (known,) = last.known_by(baseline, made.findings, [HERE])
    assert known.id == made.findings[1].id
    assert (known.status, known.known_as) == (Status.KNOWN, BASELINE)
    assert "base, shows it too" in known.explanation


def test_what_the_baseline_found_is_known(made: Found, tmp_path: Path) -> None:
    baseline = load(run(tmp_path / "base", made.findings[0]))
    issues = issues_of(baseline, HERE, [HERE])
    assert find(issues, made.findings[0].signature, "6.12") == issues[0]
    assert find(issues, made.findings[1].signature, "6.12") is None
    assert issues_of(baseline, KernelIdentity("another"), [HERE, KernelIdentity("another")]) == ()
    special = load(run(tmp_path / "special", msgspec.structs.replace(made.findings[0], signature="a[*]?")))
    (issue,) = issues_of(special, HERE, [HERE])
    assert [find((issue,), text, "6.12") is issue for text in ("a[*]?", "aXY")] == [True, False]


@pytest.mark.parametrize(("lying", "state"), [((), "stale"), ((0,), "still")])
def test_a_local_issue_that_was_not_seen_is_replayed(
    made: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lying: tuple[int, ...], state: str
) -> None:
    finding = made.findings[0]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "finding.json").write_bytes(msgspec.json.encode(finding))
    entry = KnownIssue("mine", (finding.signature,), ("6.12.*",), "ours", False, finding="mine/finding.json")
    unnamed = KnownIssue("other", ("health:*",), ("6.12.*",), "ours", False)
    elsewhere = KnownIssue("far", ("health:*",), ("5.10.*",), "ours", False)
    (tmp_path / "known.json").write_bytes(msgspec.json.encode([entry, unnamed, elsewhere]))
    issues = load_local(tmp_path / "known.json")
    monkeypatch.chdir("/")
    last = epilogue({IMAGE.name: made.kernel(*lying)}, monkeypatch)
    unseen = list(last.unseen(issues, (), [(HERE, "6.12.117")]))
    assert [(each.id, each.state) for each in unseen] == [("mine", state), ("other", "not seen")]
    seen = msgspec.structs.replace(finding, status=Status.KNOWN, known_as="mine")
    assert [each.id for each in last.unseen(issues, [seen], [(HERE, "6.12.117")])] == ["other"]


def test_a_finding_that_cannot_be_read_makes_no_issue_stale(
    made: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = KnownIssue("mine", ("*",), ("*",), "ours", False, finding="/nowhere/finding.json")
    (unseen,) = epilogue({}, monkeypatch).unseen([entry], (), [(HERE, "6.12")])
    assert (unseen.state, "No such file" in unseen.note) == ("cannot tell", True)


def test_a_broken_local_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('[{"id": 3}]')
    with pytest.raises(InputError, match=r"mine\.json"):
        load_local(tmp_path / "mine.json")
