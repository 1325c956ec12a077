"""The table of architectures is the only place that knows one by name."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.kernel import architecture, debian
from conformance.kernel.agent import agent
from conformance.kernel.architecture import (
    ARCHITECTURES,
    DEFAULT,
    S390X,
    X86_64,
    Architecture,
    matching,
    of_format,
)
from conformance.kernel.compiling import compiler, compiler_packages, find_compiler
from conformance.kernel.images import fetch
from conformance.kernel.static_program import read_static
from ebpf.errors import InputError

PACKAGES = [Path(architecture.__file__).parent, Path(architecture.__file__).parents[1] / "setup"]
WORDS = re.compile(
    r"x86|amd64|aarch64|arm64|riscv|s390|ppc64|powerpc|ttyS|ttyAMA|hvc\d|qemu-system-|little|big\b"
)


@pytest.mark.parametrize("row", ARCHITECTURES, ids=lambda row: row.name)
def test_another_process_gets_the_row_itself(row: Architecture) -> None:
    """Rows are compared by identity: a worker that was given a copy asked no property that is for the host's
    own architecture."""
    assert pickle.loads(pickle.dumps(row)) is row


def strings(tree: ast.AST) -> Iterator[str]:
    """Constants that are no documentation."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def test_no_other_file_names_one() -> None:
    """But for the x86 boot header's reader, which is one image format's."""
    found = [
        (path.name, text)
        for package in PACKAGES
        for path in sorted(package.rglob("*.py"))
        if path.name not in ("architecture.py", "bzimage.py")
        for text in strings(ast.parse(path.read_text()))
        if WORDS.search(text)
    ]
    assert found == []


def test_rows_are_found_by_debians_names() -> None:
    """And by the machine's own, and by a glob of either."""
    assert [matching(each.debian) for each in ARCHITECTURES] == [(each,) for each in ARCHITECTURES]
    assert [matching(each.name) for each in ARCHITECTURES] == [(each,) for each in ARCHITECTURES]
    assert matching("*") == ARCHITECTURES
    assert [each.debian for each in matching("*64")] == ["amd64", "arm64", "riscv64"]
    assert [of_format(each.image_format) for each in ARCHITECTURES] == list(ARCHITECTURES)
    with pytest.raises(InputError, match="vax: no such architecture"):
        matching("vax")


def test_caches_of_architectures_are_apart() -> None:
    assert debian.name("6.12.1-1", DEFAULT) == "debian:6.12.1-1"
    assert debian.cache_of("images", DEFAULT).name == "images"
    assert debian.name("6.12.1-1", S390X) == "debian:6.12.1-1@s390x"
    assert debian.cache_of("images", S390X).name == "images-s390x"


def test_a_machine_of_another_architecture_needs_the_cross_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert compiler_packages(X86_64) == ("gcc-x86-64-linux-gnu", "libc6-dev-amd64-cross")
    with pytest.raises(InputError, match=r"no C compiler \(x86_64-linux-gnu-gcc\).*gcc-x86-64-linux-gnu"):
        compiler(X86_64)
    cross = tmp_path / X86_64.cross_compiler
    cross.write_text("#!/bin/sh\n")
    cross.chmod(0o755)
    assert compiler(X86_64) == (X86_64.cross_compiler,)
    monkeypatch.setenv("CC", "clang")  # the user's own builds for the user's own machine
    assert compiler(X86_64) == (X86_64.cross_compiler,)


@pytest.mark.parametrize("row", ARCHITECTURES, ids=lambda row: row.debian)
def test_the_agent_is_built_for_each(
    row: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not find_compiler(row):
        pytest.skip(f"no {row.cross_compiler}: apt-get install {' '.join(compiler_packages(row))}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    executable = tmp_path / "agent"
    executable.write_bytes(agent(row))
    assert read_static(executable, row) == executable.read_bytes()
    other = next(each for each in ARCHITECTURES if each is not row)
    with pytest.raises(InputError, match=f"and the kernel is for {other.name}"):
        read_static(executable, other)


BANNER = b"Linux version 6.12.9+deb13-test (x@y) (gcc) #1 SMP"
IMAGES = {
    "arm64": bytes(0x38) + b"ARM\x64" + bytes(64) + BANNER,
    "riscv64": bytes(0x38) + b"RSC\x05" + bytes(64) + BANNER,
    "s390x": bytes(0x10008) + b"S390EP" + bytes(64) + b"6.12.9+deb13-test (x@y) #1 SMP Debian",
    "ppc64el": b"\x7fELF\x02\x01" + bytes(12) + b"\x15\0" + bytes(64) + BANNER,
}


@pytest.mark.parametrize("name", IMAGES)
def test_a_file_tells_its_architecture_and_release(name: str, tmp_path: Path) -> None:
    path = tmp_path / "kernel"
    path.write_bytes(IMAGES[name])
    image = fetch(str(path))
    assert (image.architecture.debian, image.version) == (name, "6.12.9+deb13-test")
    path.write_bytes(IMAGES[name].replace(b"6.12.9", b""))
    with pytest.raises(InputError, match="no banner in it names a version"):
        fetch(str(path))
