"""bpftool from Debian's archive, unpacked in the cache and not installed: it prints a kernel's types as C."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from conformance.corpus.selftests.source import ARCHITECTURE
from conformance.kernel.apt import AptRoot, make_directory
from conformance.kernel.cache import cache_directory, locked
from conformance.kernel.debian_version import version_key
from conformance.kernel.unpack import unpack
from ebpf.errors import InfrastructureError, InputError


def find_bpftool() -> Path:
    """The newest one that this machine can run: the archive's newest may want a newer C library.

    Raises :class:`InfrastructureError` when apt offers none that runs.
    """
    home = cache_directory() / "bpftool"
    with locked(home / "lock"):
        known = sorted(home.glob("*/usr/sbin/bpftool"))
        if known:
            return known[-1]
        root = AptRoot(cache_directory() / "apt", architecture=ARCHITECTURE)
        root.update()
        offered = sorted(
            root.packages("bpftool", prefix="bpftool"),
            key=lambda each: version_key(each.version),
            reverse=True,
        )
        tried = []
        for package in offered:
            with tempfile.TemporaryDirectory(prefix=".unpack-", dir=home) as name:
                tree = Path(name) / "tree"
                unpack(root.download(package, Path(name)), tree)
                if (
                    subprocess.run(
                        [tree / "usr/sbin/bpftool", "version"], capture_output=True, check=False
                    ).returncode
                    == 0
                ):
                    make_directory(home)
                    tree.replace(home / package.version)
                    return home / package.version / "usr" / "sbin" / "bpftool"
            tried.append(package.version)
    raise InfrastructureError(
        f"bpftool: no version runs on this machine; tried {', '.join(tried) or 'none: apt offers none'}"
    )


def types_as_c(bpftool: Path, btf: Path) -> str:
    """``vmlinux.h``.  Raises :class:`InputError` for types that bpftool cannot read."""
    answer = subprocess.run(
        [bpftool, "btf", "dump", "file", btf, "format", "c"], capture_output=True, text=True, check=False
    )
    if answer.returncode or not answer.stdout:
        raise InputError(f"{btf}: bpftool: {answer.stderr.strip() or f'exit status {answer.returncode}'}")
    return answer.stdout
