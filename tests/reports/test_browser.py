"""The pages in a real browser: no console error, no request that leaves the page, the culprit in view."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports import directory
from reports.html import finding_page, index_page
from reports.records import Cell, Left, VerdictRecord
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


PAGES = {
    "index": "index.html",
    "finding": "findings/1f3a9c0de4b7a211/index.html",
    "hostile": "findings/beefbeefbeefbeef/index.html",
    "history": "history.html",
}
SLOWNESS = 3
"""A machine that does other things too is so much slower."""


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
    assert browser.execute_script("return document.querySelectorAll('script').length") == 1
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0


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


AXE = importlib.util.find_spec("axe_core_python")


@pytest.mark.skipif(AXE is None, reason="no axe-core-python")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", ["index", "finding", "hostile", "history"])
def test_axe_finds_nothing_serious(browser: Any, report: Path, page: str, dark: bool) -> None:
    assert AXE is not None
    assert AXE.origin is not None
    write_reports(report, [report])
    visit(browser, report / PAGES[page])
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.execute_script((Path(AXE.origin).parent / "axe.min.js").read_text())
    result = browser.execute_async_script("const done = arguments[0]; axe.run().then(done);")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(result["passes"]) > 15
    bad = [
        (each["id"], [node["target"] for node in each["nodes"]][:5])
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert bad == []


def test_a_block_is_copied_at_a_click(browser: Any, report: Path) -> None:
    visit(browser, report / PAGES["finding"])
    buttons = browser.find_elements("css selector", "button")
    assert len(buttons) == len(browser.find_elements("css selector", "pre[data-copy]")) >= 3
    button = browser.find_element("css selector", "#reproduce ~ .copyable button")
    button.click()
    assert button.text in ("Copied", "Selected")
    assert "veridiff replay ." in browser.execute_script("return getSelection().toString()")


def test_a_line_of_the_log_leads_to_its_instruction(browser: Any, report: Path) -> None:
    visit(browser, report / PAGES["finding"])
    browser.find_element("css selector", "#log-4 a").click()
    assert browser.current_url.endswith("#insn-11")
    browser.find_element("css selector", "#insn-11 a").click()
    assert browser.find_element("css selector", ":target").text.startswith("11: (07) r6 += 1")


def test_what_is_printed_is_whole_and_has_no_buttons(browser: Any, report: Path) -> None:
    visit(browser, report / PAGES["finding"], width=800)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not any(each.is_displayed() for each in browser.find_elements("css selector", "button"))
        cut = browser.execute_script(
            "return [...document.querySelectorAll('pre.log')].some(log => log.scrollHeight > log.clientHeight + 1)"
        )
        assert not cut
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_thousand_findings_are_shown_at_once(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(index_page(directory.load(many(tmp_path / "run", 1000))))
    assert page.stat().st_size < 5 << 20
    visit(browser, page)
    assert len(browser.find_elements("css selector", ".findings > li")) == 100
    interactive, took = browser.execute_script(
        "const box = document.getElementById('filter'), began = performance.now();"
        "box.value = 'form7'; box.dispatchEvent(new Event('input'));"
        "return [performance.getEntriesByType('navigation')[0].domInteractive, performance.now() - began]"
    )
    assert interactive < 2000 * SLOWNESS
    assert took < 500 * SLOWNESS


def test_a_phone_shows_what_each_engine_left(browser: Any, tmp_path: Path) -> None:
    left = tuple(
        Left(engine, "map 3, key 00000000, bytes 32 to 39", f"0xfffffffffffff69{n}", n == 1)
        for n, engine in enumerate(("our interpreter", "JIT", "kernel interpreter", "hardened JIT"))
    )
    page = tmp_path / "index.html"
    page.write_text(finding_page(finding(left=left)))
    visit(browser, page, width=360)
    cells = browser.find_elements("css selector", ".engines td")
    assert len(cells) == 4
    assert all(cell.rect["x"] + cell.rect["width"] <= 360 for cell in cells)


def test_a_phone_shows_what_the_run_held(browser: Any, report: Path) -> None:
    visit(browser, report / "findings" / "1f3a9c0de4b7a211" / "index.html", width=360)
    right = browser.execute_script(
        "return Math.max(...[...document.querySelectorAll('tr.culprit td.opinion')]"
        ".map(cell => cell.getBoundingClientRect().right))"
    )
    assert right <= 360
    assert "0x00000000ffffffff" in browser.find_element("css selector", "tr.culprit").text
