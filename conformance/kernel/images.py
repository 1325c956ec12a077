"""Kernel images by name: stock Debian kernels fetched with apt and cached, or any image the user has.

Names: ``debian:6.12`` (the newest of that series that apt offers), ``debian:6.12.107-1`` (exactly that
package version), a glob (``debian:6.12.*``: every version it matches), or the path of an image.  Debian's
name of an architecture, or a glob of these, may follow: ``debian:6.12@arm64``, ``debian:6.12@*``; without it
the host's own is meant.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.kernel import debian, image_formats
from conformance.kernel.architecture import DEFAULT, Architecture, matching, of_format
from conformance.kernel.debian import PREFIX, fetch_version
from conformance.kernel.debian_version import version_key
from conformance.kernel.image import Image
from conformance.kernel.telling import tell
from ebpf.errors import InfrastructureError, InputError, VeridiffError


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of ``veridiff kernels list``: a name to use, whether apt offers it now, and whether it is in
    the cache."""

    name: str
    offered: bool
    cached: bool
    architecture: Architecture = DEFAULT


def list_images(architecture: Architecture = DEFAULT) -> list[Listed]:
    """What apt offers and what is cached, oldest first.  Without network: what is cached."""
    cached = debian.cached(architecture)
    try:
        offered = set(debian.offered(architecture))
    except VeridiffError:
        if not cached:
            raise
        offered = set()
    return [
        Listed(debian.name(version, architecture), version in offered, version in cached, architecture)
        for version in sorted(cached | offered, key=version_key)
    ]


def resolve(pattern: str) -> list[str]:
    """The exact names a kernel name stands for, oldest first within an architecture; never empty.

    Raises :class:`InputError` for an unknown one.
    """
    if not pattern.startswith(PREFIX):
        if not Path(pattern).exists():
            raise InputError(
                f"{pattern}: unknown kernel name: neither debian:VERSION nor the path of a kernel image"
            )
        image_formats.release(Path(pattern), image_formats.identify(Path(pattern)))
        return [pattern]
    wanted, architectures = _parse(pattern)
    names = [name for architecture in architectures for name in _resolve_for(wanted, architecture)]
    if not names:
        raise InputError(
            f"{pattern}: unknown kernel name: apt offers no such version (veridiff kernels list shows what "
            "it offers)"
        )
    return names


def _resolve_for(wanted: str, architecture: Architecture) -> list[str]:
    cached = debian.cached(architecture)
    if wanted in cached:
        return [debian.name(wanted, architecture)]
    try:
        offered = set(debian.offered(architecture))
        # What cannot be had is passed by, unless it is what was asked for.
        beyond_reach = debian.unavailable(architecture) - cached - {wanted}
        chosen = choose(wanted, (cached | offered) - beyond_reach)
    except VeridiffError:  # no network: what is in the cache serves as well
        chosen = choose(wanted, cached)
        if not chosen:
            raise
    return [debian.name(version, architecture) for version in chosen]


def by_age(names: Iterable[str]) -> list[str]:
    """Exact names with the oldest version first; behind them, in the order given, images by their path."""
    exact = list(names)
    debians = sorted(
        (name for name in exact if name.startswith(PREFIX)), key=lambda name: version_key(_parse(name)[0])
    )
    return debians + [name for name in exact if not name.startswith(PREFIX)]


def architectures_of(name: str) -> tuple[Architecture, ...]:
    """Those whose emulator and compiler a kernel name needs.  Raises :class:`InputError` for one that names
    no architecture."""
    if not name.startswith(PREFIX):
        return (of_format(image_formats.identify(Path(name))),)
    return _parse(name)[1]


def _parse(name: str) -> tuple[str, tuple[Architecture, ...]]:
    """Version or pattern, and architectures, of ``debian:6.12@arm64``."""
    version, at, architecture = name.removeprefix(PREFIX).partition("@")
    try:
        return version, matching(architecture) if at else (DEFAULT,)
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
    return _series(wanted, ordered)[-1:]


def _series(wanted: str, versions: Iterable[str]) -> list[str]:
    if not re.fullmatch(r"\d+(\.\d+)+", wanted):
        return []
    return [version for version in versions if re.match(re.escape(wanted) + r"[.-]", version)]


def fetch(name: str) -> Image:
    """The image of that name, downloaded first when it is not cached.  A glob must match one kernel only.

    Raises :class:`InputError` for an unknown name, a file that is no kernel image, or no disk for the cache,
    and :class:`InfrastructureError` when apt fails.
    """
    names = resolve(name)
    if len(names) != 1:
        raise InputError(f"{name}: matches {len(names)} kernels; name one of them")
    return next(fetch_all(name))


def fetch_all(pattern: str) -> Iterator[Image]:
    """The images that a kernel name stands for, downloaded where they are not cached.

    A name of a series means its newest version that can be had: mirrors offer some that they do not hold
    (yet, or any more).  Raises as :func:`fetch` does.
    """
    for name in resolve(pattern):
        if not name.startswith(PREFIX):
            path = Path(name)
            architecture = of_format(image_formats.identify(path))
            release = image_formats.release(path, architecture.image_format)
            yield Image(name, release, path.absolute(), architecture=architecture)
            continue
        version, (architecture,) = _parse(name)
        wanted = _parse(pattern)[0]
        try:
            yield fetch_version(version, architecture)
        except InfrastructureError as error:
            if wanted == version:
                raise
            yield _fetch_older(wanted, version, architecture, error)


def _fetch_older(wanted: str, missing: str, architecture: Architecture, error: InfrastructureError) -> Image:
    """The newest version below ``missing`` of the series ``wanted`` that can be had."""
    debian.mark_unavailable(missing, architecture)
    versions = sorted({*debian.cached(architecture), *debian.offered(architecture)}, key=version_key)
    for version in reversed(_series(wanted, versions)):
        if version_key(version) >= version_key(missing):
            continue
        name = debian.name(version, architecture)
        try:
            image = fetch_version(version, architecture)
        except InfrastructureError:
            debian.mark_unavailable(version, architecture)
            continue
        tell(f"{debian.name(missing, architecture)} cannot be had ({error}): taking {name} instead")
        return image
    raise error
