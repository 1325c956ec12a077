"""The table of architectures is the only place that knows one by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.kernel import architecture, debian
from conformance.kernel.architecture import ARCHITECTURES, DEFAULT, X86_64, named
from conformance.kernel.compiling import compiler, compiler_packages
from ebpf.errors import InputError

PACKAGES = [Path(architecture.__file__).parent, Path(architecture.__file__).parents[1] / "setup"]
WORDS = re.compile(r"x86|amd64|aarch64|arm64|ttyS|qemu-system-|little|big\b")


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
    assert [named(each.debian) for each in ARCHITECTURES] == list(ARCHITECTURES)
    assert len({each.name for each in ARCHITECTURES}) == len(ARCHITECTURES)
    with pytest.raises(InputError, match="vax: no such architecture"):
        named("vax")


def test_caches_of_architectures_are_apart() -> None:
    assert debian.name("6.12.1-1", DEFAULT) == "debian:6.12.1-1"
    assert debian.cache_of("images", DEFAULT).name == "images"


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
