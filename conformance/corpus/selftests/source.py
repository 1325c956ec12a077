"""The selftests' source: Debian's package linux-source of a kernel's own version, of which only what they
need is unpacked."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from conformance.kernel.apt import AptRoot, Package, make_directory
from conformance.kernel.cache import cache_directory, locked
from conformance.kernel.debian import PREFIX
from conformance.kernel.image import Image
from conformance.kernel.unpack import unpack
from ebpf.errors import InfrastructureError, InputError

ARCHITECTURE = "amd64"
RUNNER = "tools/testing/selftests/bpf/prog_tests/verifier.c"
"""What runs the programs; directories of older versions of this lack it, and are fetched anew."""
PARTS = (
    "tools/testing/selftests/bpf/*.h", "tools/testing/selftests/bpf/progs/verifier_*.c", "tools/lib/bpf/*.h",
    RUNNER,
    "tools/include/*",
    "scripts/bpf_doc.py",
)  # fmt: skip
"""Members of the archive, below its one directory; a * matches slashes too."""


def fetch_source(image: Image) -> Path:
    """The directory that holds :data:`PARTS` of the image's own version, fetched where it is not cached.

    Raises :class:`InputError` for a kernel that Debian's archive has no source of,
    :class:`InfrastructureError` when apt fails.
    """
    if not image.name.startswith(PREFIX):
        raise InputError(f"{image.name}: not a Debian kernel, so apt offers no source package of its version")
    version = image.name.removeprefix(PREFIX)
    series = re.match(r"\d+\.\d+", version)
    if series is None:
        raise InputError(f"{image.name}: no kernel version begins so")
    home = cache_directory() / "sources" / version
    with locked(home.parent / "lock"):
        if not (home / RUNNER).exists():
            root = AptRoot(cache_directory() / "apt", architecture=ARCHITECTURE)
            _fetch(root, _offered(root, f"linux-source-{series[0]}", version), home)
    return home


def _offered(root: AptRoot, name: str, version: str) -> Package:
    root.update()
    found = next((each for each in root.packages(re.escape(name)) if each.version == version), None)
    if found is None:
        raise InputError(
            f"{name}={version}: apt does not offer it, and another version's selftests expect other things"
        )
    return found


def _fetch(root: AptRoot, package: Package, home: Path) -> None:
    """Beside its place first, then moved there in one step."""
    make_directory(home.parent, needed=4 * package.size)
    for left in home.parent.glob(".unpack-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=home.parent) as name:
        work, result = Path(name), Path(name) / "result"
        result.mkdir()
        unpack(root.download(package, work), work / "package")
        archive = next((work / "package" / "usr" / "src").glob("linux-source-*.tar.xz"), None)
        if archive is None:
            raise InfrastructureError(f"{package.name}={package.version}: holds no linux-source-*.tar.xz")
        patterns = [f"*/{part}" for part in PARTS]
        command: list[str | Path] = [
            "tar",
            "-xJf",
            archive,
            "-C",
            result,
            "--strip-components=1",
            "--wildcards",
            *patterns,
        ]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode and not (result / "scripts" / "bpf_doc.py").exists():
            raise InfrastructureError(f"{archive.name}: tar: {answer.stderr.strip().splitlines()[-1:]}")
        if home.exists():
            home.replace(work / "old")
        result.replace(home)
