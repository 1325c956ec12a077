"""The pages in a real browser: no console error, no request that leaves the page, the culprit in view."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.write import write_reports

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
