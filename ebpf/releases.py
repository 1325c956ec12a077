"""Releases of Linux, by number: ``Release.parse("6.12.107+deb13-cloud-amd64") in Since("6.12")``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from ebpf.errors import InputError

_NUMBERS = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", re.ASCII)
_LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A version; two that differ only in what follows the numbers are equal."""

    major: int
    minor: int
    patch: int = 0
    text: str = field(default="", compare=False)
    """As ``uname -r`` says it; empty: the numbers."""

    @classmethod
    def parse(cls, text: str) -> Release:
        """The numbers that ``text`` begins with.  Raises :class:`InputError` when it begins with none."""
        found = _parsed(text)
        if found is None:
            raise InputError(
                f"{text!r} is not a release of Linux, such as 6.12 or 6.12.107+deb13-cloud-amd64"
            )
        return found

    @property
    def series(self) -> Release:
        """Without the patch level: 6.12 of 6.12.107."""
        return Release(self.major, self.minor)

    def __str__(self) -> str:
        return self.text or f"{self.major}.{self.minor}" + (f".{self.patch}" if self.patch else "")


@dataclass(frozen=True, slots=True)
class Since:
    """A release and all that follow; of ``""``, which tables say of what no Linux has, none."""

    first: str

    def __contains__(self, release: Release | str) -> bool:
        """A text that is no release is older than all."""
        known = _parsed(release) if isinstance(release, str) else release
        return bool(self.first) and known is not None and known >= Release.parse(self.first)

    def __str__(self) -> str:
        return self.first


@dataclass(frozen=True, slots=True)
class Before:
    """The releases older than one.  A text that is no release is none of them."""

    end: str

    def __contains__(self, release: Release | str) -> bool:
        known = _parsed(release) if isinstance(release, str) else release
        return known is not None and known < Release.parse(self.end)

    def __str__(self) -> str:
        return f"before {self.end}"


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Release | None:
    found = _NUMBERS.match(text)
    if found is None or any(len(number or "") > _LONGEST_NUMBER for number in found.groups()):
        return None
    major, minor, patch = (int(number or 0) for number in found.groups())
    return Release(major, minor, patch, text)


def release_key(release: str) -> tuple[int, ...]:
    """The leading numbers: a key that sorts releases by age.  :class:`Release` is to take its place."""
    found = re.match(r"\d+(?:\.\d+)*", release)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def at_least(release: str, since: str) -> bool:
    """Whether ``release`` is ``since`` or newer.  :class:`Since` is to take its place."""
    return release in Since(since)


OLDEST, NEWEST = "6.1", "7.3"
"""The oldest and the newest series that the tables describe."""
