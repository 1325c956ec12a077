"""Reach: what was come by of what a kernel offers, as numbers, lines and a page."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from click.testing import CliRunner

from conformance.cli.reach import reach
from ebpf.callees import callees_of
from ebpf.program_types import ProgramType
from reports import directory
from reports.reach import ReachTable, tables, text
from reports.records import Acceptance, FormCount, KernelOffer, KernelReach, MissCount
from reports.write import write_reports
from tests.reports.samples import HOSTILE, summary
from tests.reports.test_html import Page

KERNEL = "debian:6.12.117-1"
OFFER = KernelOffer(types=("xdp", "sk_msg"), maps=("array", "hash", "arena"), forms=("add64_k", "mov64_k"))
REACH = KernelReach(
    kernel=KERNEL,
    types={"xdp": Acceptance(20, 18, 25), "sk_msg": Acceptance(4, 0, 0), "lsm": Acceptance(0, 0, 3)},
    callees={
        "xdp": {"map_lookup_elem": Acceptance(12, 5, 6), "bpf_dynptr_clone": Acceptance(2, 2, 2), "sk_release": Acceptance(2, 0, 0)},
        "sk_msg": {"map_lookup_elem": Acceptance(2, 0, 0)},
    },
    maps={"array": Acceptance(20, 18, 25), "hash": Acceptance(3, 0, 0)},
    misses={"null-check": MissCount(90, 5, 4, 1), HOSTILE: MissCount(1, 0, 0, 0)},
    offer=OFFER,
)  # fmt: skip
RUN = summary(reach=(REACH,), forms=(FormCount(KERNEL, "add64_k", 3, 0),))


def table(**changes: object) -> ReachTable:
    (made,) = tables(msgspec.structs.replace(RUN, reach=(msgspec.structs.replace(REACH, **changes),)))
    return made


def share(name: str, of: ReachTable) -> tuple[int, int | None]:
    return next((each.reached, each.offered) for each in of.shares if each.name == name)


def test_only_what_was_accepted_and_is_offered_is_reached() -> None:
    """sk_msg was made and never accepted; lsm was accepted by a kernel that says it has none."""
    made = table()
    assert share("program types", made) == (1, 2)
    assert share("map types", made) == (1, 3)
    assert share("instruction forms executed", made) == (1, 2)
    assert share("rules with near misses", made) == (2, None)
    helpers = {
        callee for kind in (ProgramType.XDP, ProgramType.SK_MSG) for callee in callees_of(kind, "6.12.117")
        if not callee.startswith("bpf_")
    }  # fmt: skip
    assert share("helpers", made) == (1, len(helpers))
    assert share("type × kernel function", made)[0] == 1


def test_a_kernel_that_was_not_asked_has_its_forms_by_the_tables_and_no_other_sum() -> None:
    made = table(offer=None)
    assert not made.asked
    assert share("program types", made) == (2, None)
    forms = share("instruction forms executed", made)[1]
    assert forms is not None
    assert forms > 150


def test_rates_are_of_programs_meant_to_be_valid_and_the_lowest_come_first() -> None:
    made = table()
    assert [(row.name, row.valid, row.accepted) for row in made.types] == [("sk_msg", 4, 0), ("xdp", 20, 18)]
    callees = {row.name: (row.valid, row.accepted) for row in made.callees}
    assert callees["map_lookup_elem"] == (14, 5)
    assert next(iter(callees)) == "sk_release"


def test_lines_name_what_is_missing_and_callees_that_are_mostly_refused() -> None:
    lines = text(table()).splitlines()
    assert any(line.split() == ["program", "types", "1", "of", "2,", "50.0", "%"] for line in lines)
    assert any("missing: arena, hash" in line for line in lines)
    assert any(line.split()[:2] == ["map_lookup_elem", "14"] for line in lines)
    assert not any("sk_release" in line and "%" in line for line in lines)  # too few to tell
    assert any("refused 95.0 %, for the rule they break 94.8 %" in line for line in lines)


def test_the_page_is_linked_closed_and_obeys_no_name(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(RUN))
    written = write_reports(tmp_path)
    assert written.failures == ()
    page = Page((tmp_path / "reach.html").read_text())
    assert HOSTILE in page.text
    assert not page.all("script")
    assert "arena, hash" in page.text
    index = Page((tmp_path / "index.html").read_text())
    assert {"reach.html"} <= {each.get("href") for each in index.all("a")}


def test_a_run_without_counts_has_no_page(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(summary()))
    write_reports(tmp_path)
    assert not (tmp_path / "reach.html").exists()
    assert "reach.html" not in (tmp_path / "index.html").read_text()


def test_the_command_says_it_in_words_and_as_data(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(RUN))
    words = CliRunner().invoke(reach, [str(tmp_path)])
    assert words.output.startswith(f"reach on {KERNEL}")
    data = json.loads(CliRunner().invoke(reach, [str(tmp_path), "--json"]).output)
    assert data[0]["kernel"] == KERNEL
    assert data[0]["misses"]["null-check"] == [90, 5, 4, 1]


def test_what_may_be_public_has_no_near_misses(tmp_path: Path) -> None:
    """An accepted one may be a finding that is withheld."""
    from reports.public import withhold
    from tests.reports.samples import finding

    run = directory.RunDirectory(tmp_path, RUN, (finding(),))
    withheld = withhold(run, tmp_path).summary.reach
    assert [each.misses for each in withheld] == [{}]
    assert withheld[0].types == REACH.types
