"""Installing system packages as root, without touching the machine's own package sources."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from conformance.kernel import apt
from conformance.kernel.apt import AptRoot
from conformance.kernel.cache import cache_directory, locked
from conformance.setup.system import Requirement, tell
from ebpf.errors import InfrastructureError, InputError

_BACKPORTS = {"bookworm": "bookworm-backports"}
"""Releases whose own QEMU is too old, and where a newer one is."""


def install(lacking: list[Requirement]) -> None:
    """Installs what is missing.  Raises :class:`InfrastructureError` when apt fails, :class:`InputError` when that did not help."""
    archives = apt.archives()
    release = _BACKPORTS.get(_codename()) if any(requirement.newer for requirement in lacking) and archives else None
    with locked(cache_directory() / "packages.lock"):
        options = _options(archives, release)
        for newer in (False, True):
            packages = [package for requirement in lacking if requirement.newer is newer for package in requirement.packages]
            if packages:
                _install(options, packages, release if newer else None)
    for requirement in lacking:
        if not requirement.optional and not requirement.present():
            names = " ".join(requirement.packages)
            raise InputError(f"{requirement.what}: still not found after installing {names}; is PATH right?")


def _options(archives: list[tuple[str, str]], release: str | None) -> list[str]:
    """apt's options for a private root that knows the machine's archives and ``release``; the machine's own lists else."""
    if release is None:
        if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
            tell("apt-get update")
            _apt(["update"], [])
        return []
    main = next(address for address, suite in archives if not suite.endswith("-security"))
    root = AptRoot(cache_directory() / "apt-system", Path("/var/lib/dpkg/status"), suites=(*archives, (main, release)))
    tell(f"apt-get update, with {release} under a private root (the machine's package sources stay as they are)")
    root.update()
    return root.options()


def _install(options: list[str], packages: list[str], release: str | None) -> None:
    tell(f"apt-get install {' '.join(packages)}" + (f" from {release}" if release else ""))
    target = ["-t", release] if release else []
    _apt(["-y", "--no-install-recommends", *target, "install", *packages], options)
    _apt(["clean"], options)


def _apt(arguments: list[str], options: list[str]) -> None:
    """Runs apt-get with its output in a log; a failure shows apt's own error line."""
    log = cache_directory() / "setup.log"
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    with log.open("a") as file:
        start = file.tell()
        command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *options, *arguments]
        process = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False)
    if process.returncode:
        errors = [line for line in log.read_text()[start:].splitlines() if line.startswith("E:")]
        reason = errors[0] if errors else f"exit status {process.returncode}"
        raise InfrastructureError(f"apt-get {' '.join(arguments)}: {reason} (all of it is in {log})")


def _codename() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""
