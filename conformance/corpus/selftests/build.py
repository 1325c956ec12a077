"""The selftests compiled, as their own Makefile compiles them (tools/testing/selftests/bpf/Makefile,
BPF_CFLAGS and CLANG_BPF_BUILD_RULE; Linux 7.3): every file once, and again only when compiler, headers or
flags are other ones."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.corpus.selftests.bpftool import find_bpftool, types_as_c
from conformance.corpus.selftests.compiler import Clang, find_clang
from conformance.corpus.selftests.source import fetch_source
from conformance.kernel.apt import make_directory
from conformance.kernel.cache import cache_directory, locked
from conformance.kernel.image import Image
from conformance.kernel.kernel_types import kernel_btf
from ebpf.errors import InputError

SELFTESTS = Path("tools/testing/selftests/bpf")
SYSTEM_HEADERS = Path("/usr/include/x86_64-linux-gnu")
FLAGS = (
    "-g", "-O2", "-Wno-everything", "-D__TARGET_ARCH_x86", "-mlittle-endian", "-std=gnu11",
    "-fno-strict-aliasing",
    "-fms-extensions", "-DENABLE_ATOMICS_TESTS", "--target=bpfel", "-mcpu=v3",
)  # fmt: skip
MAX_SECONDS = 120.0
"""Of one compilation."""


@dataclass(frozen=True, slots=True)
class Built:
    """``object`` is None where the file does not compile, for ``error``: the compiler's first line about
    it."""

    source: Path
    object: Path | None
    error: str = ""


def build(image: Image) -> Iterator[Built]:
    """Every ``progs/verifier_*.c`` of the image's own version, in order; none where that version has none.

    Raises :class:`InputError` for no compiler, an image without types or one that the archive has no source
    of.
    """
    clang, source = find_clang(), fetch_source(image)
    headers = made_headers(image, source)
    home = cache_directory() / "selftests" / _key(clang, headers)
    make_directory(home, needed=64 << 20)
    with locked(home / "lock"):
        for file in sorted((source / SELFTESTS / "progs").glob("verifier_*.c")):
            yield _compile(clang, source, headers, file, home)


def _key(clang: Clang, headers: Path) -> str:
    text = "\0".join((clang.identity, str(headers), *FLAGS))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def made_headers(image: Image, source: Path) -> Path:
    """The headers that the selftests' build makes: the kernel's types, the helpers' prototypes, and libbpf's
    own beside these."""
    btf = kernel_btf(image.vmlinuz)
    home = cache_directory() / "headers" / f"{image.version}-{hashlib.sha256(btf).hexdigest()[:12]}"
    with locked(home.parent / "lock"):
        if (home / "vmlinux.h").exists():
            return home
        make_directory(home / "bpf", needed=16 << 20)
        (home / "vmlinux.btf").write_bytes(btf)
        helpers = source / "tools/include/uapi/linux/bpf.h"
        script: list[str | Path] = [
            sys.executable,
            source / "scripts/bpf_doc.py",
            "--header",
            "--file",
            helpers,
        ]
        answer = subprocess.run(script, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise InputError(f"{script[1]}: {answer.stderr.strip().splitlines()[-1:]}")
        (home / "bpf" / "bpf_helper_defs.h").write_text(answer.stdout)
        for header in (source / "tools/lib/bpf").glob("*.h"):
            shutil.copyfile(header, home / "bpf" / header.name)
        # Last, for it says that all is there.
        (home / "vmlinux.h").write_text(types_as_c(find_bpftool(), home / "vmlinux.btf"))
    return home


def compiling(clang: Clang, source: Path, headers: Path, file: Path, made: Path) -> list[str | Path]:
    """The command that makes an object of a selftest."""
    tests = source / SELFTESTS
    places = (
        headers,
        tests / "progs",
        tests,
        source / "tools/include/uapi",
        source / "tools/include",
        tests / "libarena/include",
        SYSTEM_HEADERS,
    )
    return [clang.path, *FLAGS, *[f"-I{place}" for place in places], "-c", file, "-o", made]


def _compile(clang: Clang, source: Path, headers: Path, file: Path, home: Path) -> Built:
    target, failure = home / f"{file.stem}.o", home / f"{file.stem}.err"
    if target.exists():
        return Built(file, target)
    if failure.exists():
        return Built(file, None, failure.read_text())
    made = home / f".{file.stem}.o"
    command = compiling(clang, source, headers, file, made)
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MAX_SECONDS)
    except subprocess.TimeoutExpired:
        return Built(file, None, f"the compiler took more than {MAX_SECONDS:.0f} s")
    if answer.returncode:
        lines = (
            [line for line in answer.stderr.splitlines() if "error:" in line]
            or answer.stderr.splitlines()
            or ["no message"]
        )
        error = lines[0].replace(f"{source}/", "")
        failure.write_text(error)
        return Built(file, None, error)
    made.replace(target)
    return Built(file, target)
