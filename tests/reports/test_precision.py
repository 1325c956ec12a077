"""The precision map: what is widest comes first, unmeasured is not tight, and nobody's name breaks the
page."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec

from reports import directory, html, precision
from reports.records import PrecisionRow
from reports.write import write_reports
from tests.reports.samples import HOSTILE, summary


def cell(operation: str, kernel: str = "old", **changes: Any) -> PrecisionRow:
    fields: dict[str, Any] = {
        "judged": 10,
        "decided": 9,
        "measured": 4,
        "tight": 2,
        "excess": {"u64": 0.0, "s32": 0.0},
    }
    return PrecisionRow(kernel=kernel, operation=operation, **fields | changes)


MAP = (
    cell("add64_k", tight=4), cell("mul64_x", excess={"u64": 0.7, "s32": 12.25}),
    cell("and64_k", excess={"tnum": 1.0}),
    cell("mul64_x", "new", excess={"u64": 3.0}), cell("neg32", "new", measured=0, tight=0, excess={}),
)  # fmt: skip
WITH = summary(precision=MAP)


def test_rows_are_operations_and_columns_kernels() -> None:
    assert precision.kernels(WITH) == ["old", "new"]
    rows = precision.rows(WITH)
    assert [row.operation for row in rows] == ["mul64_x", "and64_k", "add64_k", "neg32"]
    assert [bool(cell) for cell in rows[1].cells] == [True, False]


def test_the_widest_view_is_named() -> None:
    assert precision.widest(MAP[1]) == "+12.2 bits s32"
    assert precision.widest(MAP[0]) == "tight"
    assert precision.widest(MAP[4]) == "not measured"
    assert [precision.level(each) for each in MAP] == [0, 4, 2, 3, 0]


def test_text() -> None:
    lines = precision.text(WITH).splitlines()
    assert lines[1].split() == ["operation", "old", "new"]
    assert lines[2].startswith("mul64_x")
    assert "+12.2 bits s32 (4; 90.0 %)" in lines[2]
    assert len(lines) == 5
    assert precision.text(summary()) == ""


def test_a_long_map_is_cut_and_says_so() -> None:
    many = tuple(cell(f"op{number}") for number in range(40))
    assert precision.text(summary(precision=many)).splitlines()[-1] == "… and 16 more"


def test_the_page(tmp_path: Path) -> None:
    page = html.index_page(
        directory.RunDirectory(tmp_path, summary(precision=(*MAP, cell("op", HOSTILE))), ())
    )
    assert '<td class="level4">+12.2 bits s32' in page
    assert "not measured" in page
    assert HOSTILE not in page
    assert 'id="precision"' not in html.index_page(directory.RunDirectory(tmp_path, summary(), ()))


def test_the_table_for_machines(run_directory: Path) -> None:
    assert not (run_directory / "precision.csv").exists()
    (run_directory / "run.json").write_bytes(msgspec.json.encode(WITH))
    assert run_directory / "precision.csv" in write_reports(run_directory).files
    rows = list(csv.DictReader((run_directory / "precision.csv").read_text().splitlines()))
    assert len(rows) == len(MAP)
    assert (
        rows[1]["operation"],
        rows[1]["decided"],
        rows[1]["excess_bits_s32"],
        rows[1]["excess_bits_tnum"],
    ) == ("mul64_x", "9", "12.25", "")
