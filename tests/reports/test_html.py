"""The pages' structure, and that nothing a kernel says can leave its place."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from ebpf.signature import Signature
from reports import directory, html
from reports.records import Cell, Finding, Left, Pruned, Status
from reports.write import write_reports
from tests.reports.samples import HOSTILE, finding, hostile, summary

_VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


class Page(HTMLParser):
    """Tags with attributes, the text below each row, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def index(path: Path, **changes: object) -> Page:
    return Page(html.index_page(directory.RunDirectory(path, summary(**changes), (finding(), hostile()))))


@pytest.mark.parametrize("page", ["index", "finding", "hostile"])
def test_pages_are_self_contained(tmp_path: Path, page: str) -> None:
    parsed = {
        "index": lambda: index(tmp_path),
        "finding": lambda: Page(html.finding_page(finding())),
        "hostile": lambda: Page(html.finding_page(hostile())),
    }[page]()
    assert len(parsed.all("script")) == 1  # the filter, or the copy buttons
    assert not parsed.all("img")
    assert not parsed.all("iframe")
    assert {attributes.get("href") for attributes in parsed.all("link")} == {"data:,"}
    for _, attributes in parsed.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert ":" not in (attributes.get("href") or "").removeprefix("data:,")
    policy = [
        attributes["content"] or "" for attributes in parsed.all("meta") if attributes.get("http-equiv")
    ]
    only = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert re.fullmatch(re.escape(only) + "; script-src 'sha256-[A-Za-z0-9+/]{43}='", policy[0])


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    text = html.finding_page(hostile())
    assert text.count("<script") == 1
    assert "alert(" not in text.partition("<script>")[2]
    assert "<img" not in text
    assert Page(text).text.count(HOSTILE) >= 8


def test_the_culprit_is_marked() -> None:
    page = Page(html.finding_page(finding()))
    culprits = [attributes for attributes in page.all("tr") if attributes.get("class") == "culprit"]
    assert [(row["id"], row["aria-current"]) for row in culprits] == [("insn-10", "true")]
    assert "w6 = -1 clears the upper half of r6" in page.text


def test_a_note_that_only_repeats_the_statement_is_left_out() -> None:
    rows = (msgspec.structs.replace(finding().listing[0], culprit=True, note=finding().statement),)
    assert (
        Page(html.finding_page(finding(listing=rows))).text.count(finding().statement) == 2
    )  # title and heading


def test_the_page_of_a_finding_holds_what_a_kernel_developer_asks_for() -> None:
    text = Page(html.finding_page(finding())).text
    for wanted in (
        "soundness/map_value-out-of-bounds/alu32-mov-k",
        "6.12.117+deb13-cloud-amd64",
        "10 of 10 times",
        "0010  66 77 88 99 aa bb cc dd  ee ff",
        "01000000: 41 00 00 00 00 00 00 00",
        "invalid access to map value, value_size=8 off=8 size=1",
        "processed 17 insns",
        "veridiff replay .\n",
        "critical: a program that breaks a safety rule is accepted",
        "veridiff vm --kernel debian:6.12.117-1 -- ./reproducer --yes-this-is-a-vm",
        "exec veridiff vm --kernel arch/x86/boot/bzImage --",
        "./reproducer --yes-this-is-a-vm",
        "--minutes 10 --seed 42",
        "hypothesis 6.150.0",
        "value in the witness run",
    ):
        assert wanted in text


def test_a_verdict_that_a_right_kernel_would_not_give_is_marked() -> None:
    assert Page(html.finding_page(finding())).text.count("✗ wrong") == 2
    assert "✗ wrong" not in Page(html.finding_page(finding(should_accept=None))).text


def test_a_finding_without_listing_or_witness_still_shows_its_program() -> None:
    text = Page(html.finding_page(finding(listing=(), witness=None, log="", verdicts=()))).text
    assert "call bpf_map_lookup_elem#1" in text
    assert "None: what is wrong is what the kernel says of the program" in text
    assert "value in the witness run" not in text


def test_the_index_says_what_was_run(tmp_path: Path) -> None:
    page = index(tmp_path)
    assert "1 new finding, 1 known: 24,813 programs judged on 2 kernels in 10 min 1 s" in page.text
    assert "incomplete" not in page.text
    for wanted in (
        "93.6 %",
        "spill_fill",
        "no claims below 6.1",
        "none of those in flight",
        "Kernel panic: test",
        "math between",
    ):
        assert wanted in page.text
    cells = [
        attributes.get("class")
        for attributes in page.all("td")
        if attributes.get("class") in ("disagrees", "below")
    ]
    assert cells == ["disagrees", "below"]
    assert "1 of 10 kernel × property cells judged less" in " ".join(page.text.split())


def test_the_index_says_plainly_that_a_run_is_incomplete(tmp_path: Path) -> None:
    page = index(tmp_path, complete=False, incomplete_because="interrupted by the user")
    assert (
        "This run is incomplete: interrupted by the user. The numbers below cover only what ran."
        in " ".join(page.text.split())
    )


def test_a_clean_run_says_so_and_a_short_one_does_not(tmp_path: Path) -> None:
    def banner(judged: int) -> str:
        cell = Cell(kernel="k", kind="rule", judged=judged, agreed=judged, disagreements=0, floor=10)
        return html.index_page(directory.RunDirectory(tmp_path, summary(cells=(cell,)), ()))

    assert "nothing new was found" in banner(10)
    assert "nothing new was found" not in banner(9)
    assert "Nothing new: 24,813" in banner(10)


def test_links_lead_to_pages(run_directory: Path) -> None:
    written = [path for path in write_reports(run_directory).files if path.suffix == ".html"]
    assert written[0] == run_directory / "index.html"
    assert len(written) > 1
    for name in finding().reproducers.values():  # a run wrote these
        for page in written[1:]:
            (page.parent / name).touch()
    for page in written:
        parsed = Page(page.read_text())
        ids = {attributes.get("id") for _, attributes in parsed.tags}
        for link in parsed.all("a"):
            place, _, fragment = (link["href"] or "").partition("#")
            assert not place or (page.parent / place).exists(), link
            assert place or fragment in ids, link


def test_log_lines_lead_to_instructions_and_back() -> None:
    page = Page(html.finding_page(finding()))
    hrefs = [link["href"] for link in page.all("a")]
    assert "#insn-13" in hrefs
    assert "#log-6" in hrefs
    assert "13: (0f) r7 += r6" in page.text
    assert [each["id"] for each in page.all("span") if each.get("id") == "log-6"] == ["log-6"]


def test_where_the_kernel_pruned_is_said_at_the_instruction() -> None:
    text = Page(html.finding_page(finding(pruned=Pruned(12, 4)))).text
    assert "The kernel pruned here, before this instruction (line 4 of its log)" in text
    assert "The kernel pruned here" not in Page(html.finding_page(finding())).text


def test_engines_that_differ_are_columns() -> None:
    left = (Left("our interpreter", "R0", "0xffffff00", False), Left("JIT", "R0", "0x7", True))
    page = Page(html.finding_page(finding(left=left)))
    assert [each.get("class") for each in page.all("td")].count("mono wrong") == 1
    assert "0xffffff00" in page.text


def test_findings_that_share_a_culprit_are_linked() -> None:
    def about(number: int, culprit: str) -> Finding:
        bug = Signature("bounds", (f"u{number}",), culprit)
        return finding(id=f"id{number}", bug=bug, signature=str(bug))

    run = [about(1, "mov32_k"), about(2, "mov32_k"), about(3, "or32_k"), about(4, "")]
    links = [each["href"] for each in Page(html.finding_page(run[0], run)).all("a")]
    assert "../id2/index.html" in links
    assert not {"../id1/index.html", "../id3/index.html", "../id4/index.html"} & set(links)
    assert "Same culprit" not in Page(html.finding_page(run[3], run)).text


def test_a_command_without_its_seed_gets_it() -> None:
    bare = msgspec.structs.replace(finding().provenance, command="veridiff run --minutes 1", seed=7)
    assert "veridiff run --minutes 1 --seed 7" in Page(html.finding_page(finding(provenance=bare))).text


def test_earlier_runs_are_a_page_of_their_own(tmp_path: Path) -> None:
    def run(name: str, started: str, *findings: Finding) -> directory.RunDirectory:
        return directory.RunDirectory(tmp_path / name, summary(started=started), findings)

    first = run("monday", "2026-11-23T22:00:00Z", finding(), hostile())
    second = run("tuesday", "2026-11-24T22:00:00Z", finding(id="2" * 12, signature="bounds:umax:or32_k"))
    page = Page(html.history_page([second, first]))
    assert [page.text.index(name) for name in ("monday", "tuesday")] == sorted(
        page.text.index(name) for name in ("monday", "tuesday")
    )
    marked = [each for each in page.all("td") if each.get("class") == "disagrees"]
    assert len(marked) == 3
    assert page.text.index("bounds:umax:or32_k") < page.text.index(finding().signature)
    assert 'href="history.html"' in html.index_page(second, history=True)
    assert "history.html" not in html.index_page(second)


def test_a_cell_says_how_many_findings_its_disagreements_are(tmp_path: Path) -> None:
    cell = Cell(kernel="k", kind="health", judged=90, agreed=72, disagreements=18, floor=45)
    known = finding(kind="health", kernel="k", status=Status.KNOWN, known_as="KI-1")
    new = finding(kind="health", kernel="k", id="2" * 12)

    def shown(*findings: Finding) -> Page:
        return Page(html.index_page(directory.RunDirectory(tmp_path, summary(cells=(cell,)), findings)))

    both, only_known = shown(known, new), shown(known)
    assert "1 new" in both.text
    assert "1 known" in both.text
    assert next(each.get("class") for each in both.all("td")) == "disagrees"
    assert next(each.get("class") for each in only_known.all("td")) == "known"
