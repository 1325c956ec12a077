"""The pages' structure, and that nothing a kernel says can leave its place."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from reports import directory, html
from reports.records import Cell
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
    assert not parsed.all("script")
    assert not parsed.all("img")
    assert not parsed.all("iframe")
    assert {attributes.get("href") for attributes in parsed.all("link")} == {"data:,"}
    for _, attributes in parsed.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert ":" not in (attributes.get("href") or "").removeprefix("data:,")
    policy = [attributes["content"] for attributes in parsed.all("meta") if attributes.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    text = html.finding_page(hostile())
    assert "<script" not in text
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
        "veridiff replay findings/1f3a9c0de4b7a211\n",
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
    assert "None is needed: the verdict is the fault." in text
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
    written = html.write(directory.load(run_directory), [])
    assert all(path.exists() for path in written)
    for link in Page((run_directory / "index.html").read_text()).all("a"):
        assert (run_directory / (link["href"] or "")).exists()
