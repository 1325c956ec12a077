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
from reports.html.index import context as index_context
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
def _script() -> Markup:
    """The filter of the index: ours, and the only script that the page's own policy allows, by its hash."""
    return Markup(resources.files("reports.html").joinpath("templates/filter.js").read_text())


def _hash_of(script: str) -> str:
    """As Content-Security-Policy names a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def index_page(run: RunDirectory, failures: Sequence[str] = ()) -> str:
    """The run's page, which says what other reports could not be written."""
    template = _environment().get_template("index.html.j2")
    script = _script()
    hashed = _hash_of(script)
    return template.render(
        style=_style(), script=script, script_hash=hashed, failures=failures, **index_context(run)
    )


def finding_page(finding: Finding) -> str:
    """A finding's page; it links to the run's two directories up."""
    return _environment().get_template("finding.html.j2").render(style=_style(), **finding_context(finding))


def write(run: RunDirectory, failures: list[str]) -> list[Path]:
    """Write findings/ID/index.html and then index.html into the run's directory; the files, the index first.

    A finding's page that cannot be written is one more of ``failures``.
    """
    written = []
    for finding in run.findings:
        path = run.directory / "findings" / finding.id / "index.html"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(finding_page(finding), encoding="utf-8")
            written.append(path)
        except Exception as error:
            failures.append(f"{path.relative_to(run.directory)}: {type(error).__name__}: {error}")
    index = run.directory / "index.html"
    index.write_text(index_page(run, failures), encoding="utf-8")
    return [index, *written]
