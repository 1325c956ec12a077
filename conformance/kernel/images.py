"""Kernel images by name: stock Debian kernels fetched with apt and cached, or any bzImage the user has.

Names: ``debian:6.12`` (the newest of that series that apt offers), ``debian:6.12.107-1`` (exactly that
package version), a glob (``debian:6.12.*``: every version it matches), or the path of a bzImage.  Debian's
name of an architecture may follow: ``debian:6.12@amd64``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance.kernel import debian, image_formats
from conformance.kernel.architecture import DEFAULT, Architecture, named
from conformance.kernel.debian import PREFIX, fetch_version
from conformance.kernel.debian_version import version_key
from conformance.kernel.image import Image
from ebpf.errors import InputError, VeridiffError


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of ``veridiff kernels list``: a name to use, whether apt offers it now, and whether it is in
    the cache."""

    name: str
    offered: bool
    cached: bool


def list_images() -> list[Listed]:
    """What apt offers and what is cached, oldest first.  Without network: what is cached."""
    cached = debian.cached(DEFAULT)
    try:
        offered = set(debian.offered(DEFAULT))
    except VeridiffError:
        if not cached:
            raise
        offered = set()
    versions = sorted(cached | offered, key=version_key)
    return [Listed(PREFIX + version, version in offered, version in cached) for version in versions]


def resolve(pattern: str) -> list[str]:
    """The exact names a kernel name stands for, oldest first; never empty.  Raises :class:`InputError` for an
    unknown one."""
    if not pattern.startswith(PREFIX):
        if not Path(pattern).exists():
            raise InputError(
                f"{pattern}: unknown kernel name: neither debian:VERSION nor the path of a bzImage"
            )
        image_formats.release(Path(pattern), DEFAULT.image_format)
        return [pattern]
    wanted, architecture = _parse(pattern)
    cached = debian.cached(architecture)
    if wanted in cached:
        return [debian.name(wanted, architecture)]
    try:
        chosen = choose(wanted, cached | set(debian.offered(architecture)))
    except VeridiffError:  # no network: what is in the cache serves as well
        chosen = choose(wanted, cached)
        if not chosen:
            raise
    if not chosen:
        raise InputError(
            f"{pattern}: unknown kernel name: apt offers no such version (veridiff kernels list shows what "
            "it offers)"
        )
    return [debian.name(version, architecture) for version in chosen]


def by_age(names: Iterable[str]) -> list[str]:
    """Exact names with the oldest version first; behind them, in the order given, images by their path."""
    exact = list(names)
    debians = sorted(
        (name for name in exact if name.startswith(PREFIX)), key=lambda name: version_key(_parse(name)[0])
    )
    return debians + [name for name in exact if not name.startswith(PREFIX)]


def _parse(name: str) -> tuple[str, Architecture]:
    """Version or pattern, and architecture, of ``debian:6.12@amd64``."""
    version, at, architecture = name.removeprefix(PREFIX).partition("@")
    try:
        return version, named(architecture) if at else DEFAULT
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def choose(wanted: str, versions: Iterable[str]) -> list[str]:
    """Among package versions: all that a glob matches, the exact one, or the newest of a series; empty when
    there is none."""
    ordered = sorted(versions, key=version_key)
    if re.search(r"[*?\[]", wanted):
        return [version for version in ordered if fnmatch.fnmatchcase(version, wanted)]
    if wanted in ordered:
        return [wanted]
    series = [version for version in ordered if re.match(re.escape(wanted) + r"[.-]", version)]
    return series[-1:] if re.fullmatch(r"\d+(\.\d+)+", wanted) else []


def fetch(name: str) -> Image:
    """The image of that name, downloaded first when it is not cached.  A glob must match one kernel only.

    Raises :class:`InputError` for an unknown name, a file that is not a bzImage, or no disk for the cache,
    and :class:`InfrastructureError` when apt fails.
    """
    names = resolve(name)
    if len(names) != 1:
        raise InputError(f"{name}: matches {len(names)} kernels; name one of them")
    if not names[0].startswith(PREFIX):
        release = image_formats.release(Path(name), DEFAULT.image_format)
        return Image(name, release, Path(name).absolute())
    return fetch_version(*_parse(names[0]))
