"""What the hunt for planted bugs counts as found, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path

from tests.quality.bugbench import Result, findings, planted, table


def test_known_merged_and_half_written_findings_do_not_count(tmp_path: Path) -> None:
    made = [
        {"id": "a", "kind": "rule", "status": "known"},
        {"id": "b", "kind": "bounds", "status": "new"},
        {"id": "c", "kind": "rule", "status": "new"},
        {"id": "b", "kind": "bounds", "status": "new", "same_as": "c"},
    ]
    lines = "\n".join(json.dumps(record) for record in made)
    (tmp_path / "findings.jsonl").write_text(lines + '\n{"id": "d", "kind": "boun')
    assert [record["id"] for record in findings(tmp_path)] == ["c"]
    assert list(findings(tmp_path / "none")) == []


def test_the_bugs_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "bugs.json").write_text(json.dumps([{"n": 3, "id": "or", "kinds": ["bounds", "transfer"]}]))
    (bug,) = planted(tmp_path)
    assert bug.number == 3
    assert bug.kinds == {"bounds", "transfer"}


def test_a_bug_that_only_other_kinds_report_is_not_found() -> None:
    found = Result(3, "or", "bounds", 12.0, 90, 8, "bounds:umax:or32_k", ())
    missed = Result(27, "flow-keys", "", 300.0, 9000, 0, "", ("precision",))
    lines = list(table([missed, found]))
    assert lines[0].split()[:3] == ["3", "or", "12.0"]
    assert "not found (but: precision)" in lines[1]
    assert lines[-1] == "found 1 of 2, median 12.0 s"
