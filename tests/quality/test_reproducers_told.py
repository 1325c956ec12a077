"""Which finding's reproducers are judged, and what counts as told, without a kernel."""

from __future__ import annotations

from pathlib import Path

import msgspec

from reports.records import Finding, Status
from tests.quality.bugbench import Planted
from tests.quality.reproducers import FORMS, Row, smallest, table
from tests.reports.samples import CASE, finding

BUG = Planted(3, "or", frozenset({"bounds", "soundness"}))
SHORT = CASE | {"program": CASE["program"] | {"instructions": "9500000000000000"}}


def written(directory: Path, *records: Finding) -> Path:
    lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
    (directory / "findings.jsonl").write_bytes(lines)
    return directory


def test_the_smallest_fitting_finding_as_it_was_last_recorded(tmp_path: Path) -> None:
    assert smallest(tmp_path, BUG) is None
    records = (
        finding(id="large", kind="bounds"),
        finding(id="merged", kind="bounds", case=SHORT),
        finding(id="merged", kind="bounds", case=SHORT, same_as="large"),
        finding(id="known", kind="bounds", case=SHORT, status=Status.KNOWN),
        finding(id="other", kind="precision", case=SHORT),
    )
    found = smallest(written(tmp_path, *records), BUG)
    assert found is not None
    assert found.id == "large"
    found = smallest(written(tmp_path, *records, finding(id="small", kind="soundness", case=SHORT)), BUG)
    assert found is not None
    assert found.id == "small"


def told(**changed: tuple[str, str]) -> Row:
    both = dict.fromkeys(FORMS, ("wrong", "right")) | changed
    buggy, clean = ({form: pair[n] for form, pair in both.items()} for n in (0, 1))
    return Row(3, "or", "bounds", "bounds:umax:or32_k", 4, buggy, clean)


def test_a_form_tells_where_it_accuses_the_one_kernel_and_acquits_the_other() -> None:
    row = told(c=("wrong", "cannot tell"), hex=("none", "none"), object=("right", "right"))
    assert [form for form in FORMS if row.told(form)] == ["case", "patch"]
    assert [form for form in FORMS if row.is_wrong(form)] == ["object"]
    assert (
        "| tells | buggy: wrong, clean: cannot tell | buggy: right, clean: right | tells | none |"
        in list(table([row]))[2]
    )
