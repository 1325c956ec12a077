"""Pages from a run.  Every value reaches the page through jinja2's autoescape: a kernel log may hold
anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from reports import text
from reports.directory import RunDirectory
from reports.html.finding import context as finding_context
from reports.html.history import context as history_context
from reports.html.index import context as index_context
from reports.html.reach import context as reach_context
from reports.records import Finding

HISTORY = "history.html"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": text.number,
        "percent": text.percent,
        "duration": text.duration,
        "moment": text.moment,
        "breakable": _breakable,
    }
    return environment


def _breakable(value: str) -> Markup:
    """Register states are long and hold no spaces: they may be broken after a comma."""
    return Markup(",<wbr>").join(escape(part) for part in value.split(","))


@cache
def _style() -> Markup:
    """Marked as safe: it is ours, not a value of the run."""
    return Markup(resources.files("reports.html").joinpath("templates/style.css").read_text())


@cache
def _script(name: str) -> Markup:
    """A page's only script, which is ours: its own policy allows it by its hash."""
    return Markup(resources.files("reports.html").joinpath(f"templates/{name}.js").read_text())


def _hash_of(script: str) -> str:
    """As Content-Security-Policy names a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def index_page(run: RunDirectory, failures: Sequence[str] = (), *, history: bool = False) -> str:
    """The run's page, which says what other reports could not be written; ``history``: beside it is a page of
    earlier runs."""
    template = _environment().get_template("index.html.j2")
    script = _script("filter")
    return template.render(
        style=_style(),
        script=script,
        script_hash=_hash_of(script),
        failures=failures,
        history=history,
        **index_context(run),
    )


def finding_page(finding: Finding, others: Sequence[Finding] = ()) -> str:
    """A finding's page; it links to the run's two directories up, and to those of ``others`` that share its
    culprit."""
    template, script = _environment().get_template("finding.html.j2"), _script("copy")
    return template.render(
        style=_style(), script=script, script_hash=_hash_of(script), **finding_context(finding, others)
    )


def history_page(runs: Sequence[RunDirectory]) -> str:
    """The page of several runs, the oldest first."""
    return _environment().get_template("history.html.j2").render(style=_style(), **history_context(runs))


def reach_page(run: RunDirectory) -> str:
    """The page of what the run's programs came by."""
    return _environment().get_template("reach.html.j2").render(style=_style(), **reach_context(run))


def texts(run: RunDirectory, earlier: Sequence[RunDirectory] = ()) -> dict[Path, Callable[[], str]]:
    """All pages of the run's directory but its index, each with what makes its text: findings/ID/index.html,
    history.html where there are ``earlier`` runs, reach.html where the run counted any."""
    home = run.directory
    made: dict[Path, Callable[[], str]] = {
        home / "findings" / finding.id / "index.html": partial(finding_page, finding, run.findings)
        for finding in run.findings
    }
    if earlier:
        made[home / HISTORY] = partial(history_page, [*earlier, run])
    if run.summary.reach:
        made[home / "reach.html"] = partial(reach_page, run)
    return made
