"""Stock Debian kernels: which versions apt offers, and a cache of those that were fetched and unpacked."""

from __future__ import annotations

import errno
import json
import re
import shutil
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from conformance.kernel import image_formats
from conformance.kernel.apt import AGAIN, AptRoot, Package, make_directory, no_space, write
from conformance.kernel.architecture import DEFAULT, Architecture
from conformance.kernel.cache import cache_directory, locked
from conformance.kernel.image import Image
from conformance.kernel.telling import tell
from conformance.kernel.unpack import collect_modules, copy_single, modules_needed, unpack
from ebpf.errors import InfrastructureError, InputError

PREFIX = "debian:"
_METAPACKAGE = 1 << 20  # bytes: a package smaller than this holds no kernel
_KERNELS = ("boot/vmlinu[xz]-*", "usr/lib/modules/*/vmlinu[xz]")
_CONFIGS = ("boot/config-*", "usr/lib/modules/*/config", "usr/lib/*/config")


def cached(architecture: Architecture) -> set[str]:
    """Package versions in the cache."""
    return {json.loads(path.read_text())["version"] for path in _records(architecture)}


def offered(architecture: Architecture) -> dict[str, Package]:
    """Package version → the package that holds vmlinuz.  Remembered beside apt's lists, until these are
    fetched anew."""
    root = apt_root(architecture)
    stamp, memory = root.directory / "updated", root.directory / "kernels.json"
    with locked(cache_directory() / "apt.lock"):
        if complaints := root.update():
            tell(
                f"{architecture.debian}: {len(complaints)} of apt's package lists did not arrive or verify; "
                f"going on with the others ({complaints[0]})"
            )
        if memory.exists() and memory.stat().st_mtime_ns >= stamp.stat().st_mtime_ns:
            packages = [Package(**fields) for fields in json.loads(memory.read_text())]
        else:
            packages = [
                package
                for package in root.packages(architecture.kernel_packages)
                if package.size >= _METAPACKAGE
            ]
            write(memory, json.dumps([asdict(package) for package in packages]))
    return {package.version: package for package in packages}


def unavailable(architecture: Architecture) -> set[str]:
    """Package versions that apt offers and could not download within the last hour."""
    marks = (apt_root(architecture).directory / "unavailable").glob("*")
    return {mark.name for mark in marks if 0 <= time.time() - mark.stat().st_mtime < AGAIN}


def mark_unavailable(version: str, architecture: Architecture) -> None:
    """Let the next look-up of its series pass this version by."""
    directory = apt_root(architecture).directory / "unavailable"
    make_directory(directory)
    write(directory / version, "")


def fetch_version(version: str, architecture: Architecture) -> Image:
    """The kernel of exactly this package version, downloaded first when it is not cached.

    Raises :class:`InputError` when it is not offered or the disk is full, :class:`InfrastructureError` when
    apt fails.
    """
    with locked(cache_of("images", architecture) / "lock"):
        record = next(
            (path for path in _records(architecture) if json.loads(path.read_text())["version"] == version),
            None,
        )
        if record is None:
            packages = offered(architecture)
            if version not in packages:
                raise InputError(f"{name(version, architecture)}: unknown kernel name: apt does not offer it")
            try:
                record = _fetch(packages[version], architecture)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise no_space(cache_directory(), "the disk is full") from error
                raise InputError(f"{error.filename}: {error.strerror}") from error
    data, home = json.loads(record.read_text()), record.parent
    modules = tuple(home / "modules" / name for name in data["modules"])
    config = home / "config"
    return Image(
        name(data["version"], architecture),
        data["release"],
        home / "vmlinuz",
        modules,
        config if config.exists() else None,
        architecture,
    )


def name(version: str, architecture: Architecture) -> str:
    """``debian:6.12.107-1``, with ``@`` and the architecture where it is not the default one."""
    return PREFIX + version + ("" if architecture is DEFAULT else f"@{architecture.debian}")


def cache_of(kind: str, architecture: Architecture) -> Path:
    """The directory in which what is fetched of that kind is kept, apart for each architecture."""
    return cache_directory() / (kind if architecture is DEFAULT else f"{kind}-{architecture.debian}")


def apt_root(architecture: Architecture) -> AptRoot:
    """The private apt root that knows one architecture's packages."""
    return AptRoot(cache_of("apt", architecture), architecture=architecture.debian)


def _records(architecture: Architecture) -> list[Path]:
    return sorted(cache_of("images", architecture).glob("[!.]*/image.json"))


def _fetch(package: Package, architecture: Architecture) -> Path:
    """Downloads and unpacks next to the final place, then moves there in one step: a kill at any moment
    leaves no half image."""
    home = cache_of("images", architecture) / f"{package.version}-{package.sha256[:12]}"
    make_directory(home.parent, needed=8 * package.size)
    for left in home.parent.glob(".unpack-*"):  # of a process that was killed: we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    root = apt_root(architecture)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=home.parent) as directory:
        work, tree, result = Path(directory), Path(directory) / "tree", Path(directory) / "result"
        result.mkdir()

        def add(more: Package) -> None:
            archive = root.download(more, work / "archives")
            unpack(archive, tree)
            archive.unlink()

        add(package)
        any(copy_single(tree, pattern, result / "vmlinuz") for pattern in _KERNELS)
        release = image_formats.release(result / "vmlinuz", architecture.image_format)
        if not any(copy_single(tree, pattern, result / "config") for pattern in _CONFIGS):
            base = _offered_with(root, f"linux-base-{release}", package.version)
            if base is not None:
                add(base)
                any(copy_single(tree, pattern, result / "config") for pattern in _CONFIGS)
        # Kernels whose configuration is in a package of its own (6.19 on) have virtio built in, and that
        # package may be gone from the archive while the kernel is still there.
        config = result / "config"
        wanted = modules_needed(config.read_text()) if config.exists() else []
        if wanted and not any(tree.rglob("*.ko*")):
            add(_companion(root, f"linux-modules-{release}", package.version))
        modules = collect_modules(wanted, tree, result / "modules")
        record = {"version": package.version, "release": release, "sha256": package.sha256}
        write(result / "image.json", json.dumps(record | {"modules": [path.name for path in modules]}))
        result.replace(home)
    return home / "image.json"


def _companion(root: AptRoot, name: str, version: str) -> Package:
    """The package that goes with a kernel and has the same version."""
    found = _offered_with(root, name, version)
    if found is None:
        raise InfrastructureError(
            f"{name}={version}: apt does not offer it, and the kernel is of no use without it"
        )
    return found


def _offered_with(root: AptRoot, name: str, version: str) -> Package | None:
    return next((package for package in root.packages(re.escape(name)) if package.version == version), None)
