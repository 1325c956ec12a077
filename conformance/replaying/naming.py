"""Naming: which findings a user means by a run's directory, a finding's, a file, or an id."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.replaying.restoring import read
from ebpf.errors import InputError
from reports.directory import load
from reports.records import Finding

PLACES = ("findings/{}*", "veridiff-out/*/findings/{}*")
"""Where findings are looked for by id, from the current directory."""
_ID = re.compile(r"[0-9a-f]{4,16}")


def named(what: str) -> tuple[Finding, ...]:
    """The findings of a run's directory, or the one that a directory, a finding.json, or the beginning of an
    id stands for.

    Raises :class:`InputError` for what is none of these, and for an id that several findings have.
    """
    path = Path(what)
    if (path / "run.json").exists():
        return load(path).findings
    if path.exists():
        return (read(path),)
    return (read(_by_id(what)),)


def one(what: str) -> tuple[Finding, Path | None]:
    """The one finding that is named, and the run's directory that it is in, where it is in one.

    Raises :class:`InputError` as :func:`named` does, and for a run.
    """
    path = Path(what)
    if (path / "run.json").exists():
        raise InputError(f"{what}: a whole run; name one of its findings")
    place = path if path.exists() else _by_id(what)
    folder = place if place.is_dir() else place.parent
    run = folder.absolute().parent.parent
    return read(place), run if (run / "run.json").exists() else None


def _by_id(beginning: str) -> Path:
    """The directory of a finding; of the same finding in several runs, the newest."""
    if not _ID.fullmatch(beginning):
        raise InputError(f"{beginning}: no such run's directory, finding's directory, or finding.json")
    found = [path for place in PLACES for path in Path().glob(place.format(beginning)) if path.is_dir()]
    ids = sorted({path.name for path in found})
    if not ids:
        raise InputError(f"{beginning}: no finding of that id in ./findings and ./veridiff-out")
    if len(ids) > 1:
        raise InputError(f"{beginning}: could be {', '.join(ids)}")
    return max(found, key=lambda path: path.stat().st_mtime_ns)
