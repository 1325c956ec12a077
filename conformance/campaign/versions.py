"""Who produced a result: versions of everything that had a say."""

from __future__ import annotations

import datetime
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from reports.records import Provenance

PACKAGES = ("hypothesis", "z3-solver", "msgspec", "pyelftools")


def now() -> str:
    """The date for provenance, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def version() -> str:
    """veridiff's own version."""
    try:
        return metadata.version("veridiff")
    except metadata.PackageNotFoundError:
        return "unknown"


def git_hash() -> str:
    """The checkout's commit, with ``+`` when there are changes on top; empty outside a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return ""
    head = subprocess.run(
        ["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    dirty = subprocess.run(
        ["git", "-C", root, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def qemu_version() -> str:
    """The installed emulator's version; empty when there is none."""
    path = shutil.which(f"qemu-system-{platform.machine()}")
    if path is None:
        return ""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\S+)", done.stdout)
    return found[1] if found else ""


def provenance(seed: int, command: str) -> Provenance:
    """What is known of a result before any kernel has booted."""
    versions = {"veridiff": version(), "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in PACKAGES}
    return Provenance(
        versions=versions, seed=seed, command=command, date=now(), git=git_hash(), qemu=qemu_version()
    )
