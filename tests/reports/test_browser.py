"""The pages in a real browser: no console error, no request that leaves the page, the culprit in view."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports import directory
from reports.html import index_page
from reports.records import Cell, VerdictRecord
from reports.write import write_reports
from tests.reports.samples import finding, summary

selenium = pytest.importorskip("selenium.webdriver", reason="no selenium")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium with chromedriver")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def report(run_directory: Path) -> Path:
    write_reports(run_directory)
    return run_directory


def visit(browser: Any, page: Path, width: int = 1200) -> None:
    """Opens a page and fails on anything in its console and on any request but the page itself."""
    browser.get("about:blank")  # the browser's own start page requests much, and is none of our business
    browser.set_window_size(width, 900)
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(page.as_uri())
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    urls = {request["request"]["url"] for request in requests if request["documentURL"] == page.as_uri()}
    assert {url for url in urls if not url.startswith("data:")} == {page.as_uri()}
    assert browser.get_log("browser") == []


def test_the_finding_shows_its_culprit(browser: Any, report: Path) -> None:
    visit(browser, report / "findings" / "1f3a9c0de4b7a211" / "index.html")
    culprit = browser.find_element("css selector", "tr.culprit")
    assert culprit.is_displayed()
    assert "w6 = -1" in culprit.text
    other = browser.find_element("css selector", "#insn-9 td")
    assert culprit.find_element("css selector", "td").value_of_css_property(
        "background-color"
    ) != other.value_of_css_property("background-color")


def test_the_index_leads_to_the_finding(browser: Any, report: Path) -> None:
    visit(browser, report / "index.html")
    browser.find_element("css selector", "#new + ul a").click()
    assert browser.find_element("css selector", "h1").text.startswith("The kernel accepts a program")


def test_hostile_text_runs_nothing(browser: Any, report: Path) -> None:
    visit(browser, report / "findings" / "beefbeefbeefbeef" / "index.html")
    assert browser.execute_script("return document.querySelectorAll('script, img').length") == 0


@pytest.mark.parametrize(
    "page", ["index.html", "findings/1f3a9c0de4b7a211/index.html", "findings/beefbeefbeefbeef/index.html"]
)
def test_nothing_overflows_a_phone(browser: Any, report: Path, page: str) -> None:
    visit(browser, report / page, width=360)
    scroll, client = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert scroll <= client


def many(directory: Path, count: int) -> Path:
    """A run with so many findings, of a tenth as many signatures, on nine kernels."""
    kernels = [f"debian:6.{minor}.117-1" for minor in range(10, 19)]
    kinds = (
        "health",
        "soundness",
        "rule",
        "execution",
        "bounds",
        "embedding",
        "transfer",
        "precision",
        "objects",
    )
    cells = tuple(
        Cell(kernel=kernel, kind=kind, judged=123456, agreed=123450, disagreements=0, floor=61728)
        for kernel in kernels
        for kind in kinds
    )
    findings = [
        finding(
            id=f"{number:012x}",
            signature=f"execution:JIT:form{number // 10}",
            kernel=kernels[number % 9],
            statement=f"statement number {number // 10}",
            verdicts=(VerdictRecord(kernels[number % 9], "accept", shows="still"),),
            log="",
            listing=(),
        )
        for number in range(count)
    ]
    directory.mkdir()
    (directory / "run.json").write_bytes(msgspec.json.encode(summary(cells=cells)))
    (directory / "findings.jsonl").write_bytes(
        b"".join(msgspec.json.encode(each) + b"\n" for each in findings)
    )
    return directory


def test_the_filter_leaves_what_has_every_word(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(index_page(directory.load(many(tmp_path / "run", 300))))
    visit(browser, page)
    rows = "return [...document.querySelectorAll('.findings > li')].filter(row => row.offsetParent).length"
    assert browser.execute_script(rows) == 30
    box = browser.find_element("css selector", "#filter")
    box.send_keys("FORM1 execution")
    assert browser.execute_script(rows) == 11  # form1, form10 to form19
    box.clear()
    box.send_keys("nothing like it")
    assert browser.execute_script(rows) == 0
    assert browser.find_element("css selector", "#filter-count").text.startswith("0 of")


@pytest.mark.parametrize("width", [1280, 1440])
def test_the_matrix_is_whole_and_comes_first(browser: Any, tmp_path: Path, width: int) -> None:
    page = tmp_path / "index.html"
    page.write_text(index_page(directory.load(many(tmp_path / "run", 30))))
    visit(browser, page, width=width)
    cut, top, first = browser.execute_script(
        "const box = document.querySelector('#judged ~ .scroll');"
        "return [box.scrollWidth - box.clientWidth, box.getBoundingClientRect().top,"
        " document.querySelector('.findings').getBoundingClientRect().top]"
    )
    assert cut <= 0
    assert top < first


def test_a_thousand_findings_are_shown_at_once(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(index_page(directory.load(many(tmp_path / "run", 1000))))
    assert page.stat().st_size < 5 << 20
    visit(browser, page)
    assert len(browser.find_elements("css selector", ".findings > li")) == 100


def test_a_phone_shows_what_the_run_held(browser: Any, report: Path) -> None:
    visit(browser, report / "findings" / "1f3a9c0de4b7a211" / "index.html", width=360)
    right = browser.execute_script(
        "return Math.max(...[...document.querySelectorAll('tr.culprit td.opinion')]"
        ".map(cell => cell.getBoundingClientRect().right))"
    )
    assert right <= 360
    assert "0x00000000ffffffff" in browser.find_element("css selector", "tr.culprit").text
