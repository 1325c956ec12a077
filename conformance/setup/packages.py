"""Installing system packages as root, without touching the machine's own package sources."""

from __future__ import annotations

import itertools
import platform
from pathlib import Path

from conformance.kernel import apt
from conformance.kernel.apt import AptRoot
from conformance.kernel.cache import cache_directory, locked
from conformance.kernel.telling import tell
from conformance.setup.logged import run_logged
from conformance.setup.system import Requirement
from ebpf.errors import InfrastructureError, InputError

WAIT = ("-o", "DPkg::Lock::Timeout=300")
"""Another apt may be at work, for instance one whose launcher was killed."""
_BACKPORTS = {"bookworm": "bookworm-backports"}
"""Releases whose own QEMU is too old, and where a newer one is."""


def install(lacking: list[Requirement]) -> None:
    """Installs what is missing.  Raises :class:`InfrastructureError` when apt fails, :class:`InputError` when
    that did not help."""
    archives = apt.archives()
    release = (
        _BACKPORTS.get(_codename())
        if any(requirement.newer for requirement in lacking) and archives
        else None
    )
    with locked(cache_directory() / "packages.lock"):
        options = _options(archives, release)
        for optional, newer in itertools.product((False, True), repeat=2):
            chosen = [
                requirement
                for requirement in lacking
                if requirement.newer is newer and requirement.optional is optional
            ]
            try:
                _install(options, chosen, release if newer else None)
            except InfrastructureError as error:
                if not optional:
                    raise
                tell(f"going on without it: {error}")
    for requirement in lacking:
        if not requirement.optional and not requirement.present():
            names = " ".join(requirement.packages)
            raise InputError(f"{requirement.what}: still not found after installing {names}; is PATH right?")


def _options(archives: list[tuple[str, str]], release: str | None) -> list[str]:
    """apt's options for a private root that knows the machine's archives and ``release``; the machine's own
    lists else."""
    if release is None:
        if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
            tell("apt-get update")
            run_logged(["apt-get", "-q", *WAIT, "update"], dies_with_us=False)
        return []
    main = next(address for address, suite in archives if not suite.endswith("-security"))
    root = AptRoot(
        cache_directory() / "apt-system", Path("/var/lib/dpkg/status"), suites=(*archives, (main, release))
    )
    tell(
        f"apt-get update, with {release} under a private root (the machine's package sources stay as they "
        "are)"
    )
    root.update()
    return root.options()


def _install(options: list[str], lacking: list[Requirement], release: str | None) -> None:
    packages = [package for requirement in lacking for package in requirement.packages]
    if not packages:
        return
    tell(f"apt-get install {' '.join(packages)}" + (f" from {release}" if release else ""))
    target = ["-t", release] if release else []
    command = [
        "apt-get",
        "-q",
        "-y",
        "--no-install-recommends",
        *WAIT,
        *options,
        *target,
        "install",
        *packages,
    ]
    run_logged(command, dies_with_us=False)
    run_logged(["apt-get", *options, "clean"], dies_with_us=False)


def _codename() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""
