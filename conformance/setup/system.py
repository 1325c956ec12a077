"""Programs that come from the system's package manager: which are missing, and installing them when we
may."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from conformance.kernel.architecture import DEFAULT, Architecture
from conformance.kernel.cache import cache_directory
from conformance.kernel.compiling import compiler_packages, find_compiler, is_native
from conformance.setup.needs import Need
from ebpf.errors import InputError


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something the system has to offer, and Debian's packages that bring it.  An ``optional`` one stops
    nobody."""

    need: Need
    what: str
    packages: tuple[str, ...]
    present: Callable[[], bool]
    newer: bool = False
    """Take it from backports where there are any: QEMU 7.2's TCG corrupts cmpxchg16b, so stock kernels die at
    random."""
    optional: bool = False


def has_venv() -> bool:
    """Whether this Python can make virtual environments (Debian packs that apart)."""
    return all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))


def links_statically(architecture: Architecture = DEFAULT) -> bool:
    """Whether an architecture's compiler makes a static program: tried once, then remembered while the
    compiler's file stays the same."""
    command = find_compiler(architecture)
    found = shutil.which(command[0]) if command else None
    if found is None:
        return False
    identity = hashlib.sha256(repr((command, found, os.stat(found).st_mtime_ns)).encode()).hexdigest()[:16]
    stamp = cache_directory() / f"links-statically-{identity}"
    if stamp.exists():
        return True
    with tempfile.TemporaryDirectory(prefix="veridiff-") as name:
        source = Path(name) / "empty.c"
        source.write_text("int main(void) { return 0; }\n")
        if subprocess.run(
            [*command, "-static", "-o", source.with_suffix(""), source], capture_output=True, check=False
        ).returncode:
            return False
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    return True


def _has(*programs: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(program) is not None for program in programs)


_ENVIRONMENT = Requirement(Need.ENVIRONMENT, "Python's venv and ensurepip", ("python3-venv",), has_venv)
_BROWSER = Requirement(
    Need.BROWSER,
    "Chromium and its WebDriver",
    ("chromium", "chromium-driver", "fonts-dejavu-core"),
    _has("chromium", "chromedriver"),
    optional=True,
)


def requirements(
    architectures: Iterable[Architecture] = (DEFAULT,), optional: Iterable[Architecture] = ()
) -> list[Requirement]:
    """Everything that any command asks of the system to boot kernels of these architectures; of the
    ``optional`` ones tests do without."""
    wanted = [(architecture, False) for architecture in architectures]
    wanted += [(architecture, True) for architecture in optional if (architecture, False) not in wanted]
    compilers = [
        Requirement(
            Need.COMPILER,
            "a C compiler that links statically"
            + ("" if is_native(architecture) else f" for {architecture.debian}"),
            compiler_packages(architecture),
            partial(links_statically, architecture),
            optional=skipped,
        )
        for architecture, skipped in wanted
    ]
    emulators = [
        Requirement(
            Need.EMULATOR,
            architecture.emulation.binary,
            architecture.emulation.packages,
            _has(architecture.emulation.binary),
            newer=True,
            optional=skipped,
        )
        for architecture, skipped in wanted
    ]
    return [_ENVIRONMENT, *compilers, *emulators, _BROWSER]


def missing(
    needs: Need, architectures: Iterable[Architecture] = (DEFAULT,), optional: Iterable[Architecture] = ()
) -> list[Requirement]:
    """The requirements of these needs that the machine does not meet; those without which nothing works come
    first."""
    found = [
        requirement
        for requirement in requirements(architectures, optional)
        if requirement.need in needs and not requirement.present()
    ]
    return sorted(found, key=lambda requirement: requirement.optional)


def advice(lacking: list[Requirement], launcher: str) -> str:
    """What to do about it without being root, as exact commands."""
    wanted = " ".join(package for requirement in lacking for package in requirement.packages)
    lines = ["missing on this machine: " + ", ".join(requirement.what for requirement in lacking)]
    if shutil.which("apt-get") is None:
        there = f"There is no apt-get here to install them with; Debian's packages of them are: {wanted}"
        return f"{lines[0]}\n{there}"
    lines += ["As root, run one of:", f"    {launcher} setup"]
    lines += [f"    apt-get update && apt-get install --no-install-recommends {wanted}"]
    if any(requirement.newer for requirement in lacking):
        lines.append(
            "(On Debian 12 the first takes QEMU 10 from backports: 7.2 crashes guests now and then without "
            "KVM.)"
        )
    return "\n".join(lines)


def check_chosen_compiler() -> None:
    """A compiler the user chose is the user's to mend: :class:`InputError` when it does not do."""
    if os.environ.get("CC") and not find_compiler(DEFAULT):
        raise InputError(f"CC={os.environ['CC']}: no such program (name another compiler, or unset CC)")
    if os.environ.get("CC") and not links_statically():
        raise InputError(
            f"CC={os.environ['CC']}: this compiler cannot make a static program (install libc6-dev, or "
            "unset CC)"
        )
