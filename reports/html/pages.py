"""Pages from a run.  Every value reaches the page through jinja2's autoescape: a kernel log may hold
anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
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


def write(run: RunDirectory, failures: list[str], earlier: Sequence[RunDirectory] = ()) -> list[Path]:
    """Write findings/ID/index.html, history.html where there are ``earlier`` runs, reach.html where the run
    counted any, and then index.html into the run's directory; the files, the index first.

    A finding's page that cannot be written is one more of ``failures``.
    """
    written = []
    if earlier:
        path = run.directory / "history.html"
        path.write_text(history_page([*earlier, run]), encoding="utf-8")
        written.append(path)
    if run.summary.reach:
        path = run.directory / "reach.html"
        path.write_text(reach_page(run), encoding="utf-8")
        written.append(path)
    for finding in run.findings:
        path = run.directory / "findings" / finding.id / "index.html"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(finding_page(finding, run.findings), encoding="utf-8")
            written.append(path)
        except Exception as error:
            failures.append(f"{path.relative_to(run.directory)}: {type(error).__name__}: {error}")
    index = run.directory / "index.html"
    index.write_text(index_page(run, failures, history=bool(earlier)), encoding="utf-8")
    return [index, *written]
