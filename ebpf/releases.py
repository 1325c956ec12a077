"""Releases of Linux ("6.1", "6.12.107", "7.3.4-1") compared by number."""

from __future__ import annotations

import re


def release_key(release: str) -> tuple[int, ...]:
    """The leading numbers: a key that sorts releases by age."""
    found = re.match(r"\d+(?:\.\d+)*", release)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def at_least(release: str, since: str) -> bool:
    """Whether ``release`` is ``since`` or newer."""
    return release_key(release) >= release_key(since)


OLDEST, NEWEST = "6.1", "7.3"
"""The oldest and the newest series that the tables describe."""
