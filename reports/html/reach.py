"""What the page about reach shows."""

from __future__ import annotations

from typing import Any

from reports.directory import RunDirectory
from reports.reach import Share, miss_total, tables

_NAMES = 400
"""Missing names on the page: the rest is in ``veridiff reach --json``."""


def context(run: RunDirectory) -> dict[str, Any]:
    """The template's variables."""
    made = tables(run.summary)
    return {"run": run, "tables": [(table, miss_total(table.misses)) for table in made], "missing": _missing}


def _missing(share: Share) -> tuple[tuple[str, ...], int]:
    """Names to show, and how many more there are."""
    return share.missing[:_NAMES], max(0, len(share.missing) - _NAMES)
